import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin, Span
from spacy.training import Example
from thinc.api import Adam
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

MODEL = "components.generative_ner.model"
DATA = [
    ("The University of Edinburgh bought it.", [(0, 4, "ORG"), (3, 4, "GPE")]),
    ("Mrs O'Neil sold the factory in Leeds.", [(0, 2, "PER"), (6, 7, "GPE")]),
    ("no comment", []),
]


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    result = CliRunner().invoke(app, ["genner", "check-model", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def files(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline that has learnt its documents by heart, and these documents."""
    folder = tmp_path_factory.mktemp("files")
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text, _ in DATA]
    for doc, (_, spans) in zip(docs, DATA, strict=True):
        doc.spans["sc"] = [Span(doc, *span) for span in spans]
    tuning = {"@misc": "spacy_genner.FullTuning.v1"}
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu", "tuning": tuning}
    prompt = {"@misc": "spacy_genner.Instruction.v1", "template": "Mark: {{ text }}\n"}
    model = {"loss": "tokens", "lm": lm, "prompt": prompt}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "PER", "GPE"], "model": model})
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    optimizer = Adam(0.01, use_averages=False)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(folder / "model")
    DocBin(docs=docs).to_disk(folder / "dev.spacy")
    return folder


def set_up(files: Path, name: str, settings: dict[str, Any]) -> Path:
    """The same pipeline in another set-up."""
    spacy.load(files / "model", config=settings).to_disk(files / name)
    return files / name


def test_nothing_is_found_in_the_right_set_up(files: Path) -> None:
    path = files / "new" / "found.json"
    code, output = run(files / "model", files / "dev.spacy", "--output", path)
    assert code == 0, output
    found = json.loads(path.read_text("utf-8"))
    assert found["legal"] == found["constrained_f"] == 1 and found["causes"] == found["notes"] == []
    assert (
        found["log_probs"]["as it is set up"]["labels"]
        > found["log_probs"]["the base alone"]["labels"]
    )
    assert "3 of 3 documents" in output and "which are 3 prompts" in output
    assert "free answers that are legal 100.0 %" in output
    assert "F1 of free answers 100.0" in output and "F1 with constraints 100.0" in output
    assert "Nothing found that is wrong with model, prompt and format" in output
    assert "stray" not in output


@pytest.mark.parametrize(
    ("name", "settings", "cause", "change"),
    [
        ("format", {f"{MODEL}.format": {"@misc": "spacy_genner.InlineXML.v1"}}, "1. another format", "set [model.format] to spacy_genner.InlineBracketed.v1"),
        ("delimiters", {f"{MODEL}.format": {"@misc": "spacy_genner.InlineBracketed.v1", "separator": "](", "closing": ")"}}, "1. other delimiters", "set [model.format] to spacy_genner.InlineBracketed.v1"),
        ("labels", {"components.generative_ner.labels": ["ORG", "person", "GPE"]}, "1. labels of the documents", "give the component's `labels` the names"),
    ],
)  # fmt: skip
def test_a_wrong_set_up_is_named(
    files: Path, name: str, settings: dict[str, Any], cause: str, change: str
) -> None:
    code, output = run(set_up(files, name, settings), files / "dev.spacy")
    assert code == 0 and cause in output and change in output, output
    assert "Nothing found" not in output


def test_a_base_alone_is_named(files: Path) -> None:
    """From its config, the pipeline is built without what was trained."""
    code, output = run(files / "model" / "config.cfg", files / "dev.spacy", "--limit", 1)
    assert code == 0 and "1. adapter missing" in output, output
    assert "1 of 1 documents" in output and "free answers stray by" in output


def test_what_cannot_be_checked_is_refused(files: Path, tmp_path: Path) -> None:
    docs = [spacy.blank("en")("no comment")]
    DocBin(docs=docs).to_disk(tmp_path / "raw.spacy")
    code, output = run(files / "model", tmp_path / "raw.spacy")
    assert code == 1 and "none of the 1 gold documents has doc.spans['sc']" in output
    code, output = run(files / "model", files / "dev.spacy", "--component", "ner")
    assert code == 1 and "no component 'ner'" in output
