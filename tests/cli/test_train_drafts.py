from collections.abc import Callable
from pathlib import Path

import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "train-drafts", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_saves_a_pipeline_that_finds_the_same(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "GPE"], "model": {"lm": lm}})
    docs = list(
        nlp.pipe([f"The University of Edinburgh is in Leeds, number {i}." for i in range(6)])
    )
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    nlp.meta["performance"] = {"training_seconds": 60.0}
    nlp.to_disk(tmp_path / "model")
    code, output = run(
        tmp_path / "model", tmp_path / "train.spacy", tmp_path / "fast", "--limit", 4
    )
    assert code == 0 and "Saved the pipeline with drafts" in output, output
    fast = spacy.load(tmp_path / "fast")
    assert fast.meta["performance"]["training_seconds"] > 60
    assert fast.get_pipe("generative_ner").model.shims[0].lm.draft_head is not None
    for doc in docs:
        found = fast(doc.text)
        assert [(s.start, s.end, s.label_) for s in found.spans["sc"]] == [
            (s.start, s.end, s.label_) for s in doc.spans["sc"]
        ]


def test_documents_without_spans(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe(
        "generative_ner",
        config={"labels": ["ORG"], "model": {"lm": {"name": tiny(), "device": "cpu"}}},
    )
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=[spacy.blank("xx")("a")]).to_disk(tmp_path / "train.spacy")
    code, output = run(tmp_path / "model", tmp_path / "train.spacy", tmp_path / "out")
    assert code == 1 and "at least one source" in output
    assert not (tmp_path / "out").exists()


def test_no_such_component(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path / "model")
    DocBin(docs=[spacy.blank("xx")("a")]).to_disk(tmp_path / "train.spacy")
    code, output = run(tmp_path / "model", tmp_path / "train.spacy", tmp_path / "out")
    assert code == 1 and "no component 'generative_ner'" in output
