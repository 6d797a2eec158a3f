import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.cli.train import train
from spacy_genner.models.generative import spellers_of
from spacy_genner.types import Source
from tests.pipeline.scripted import add_scripted
from tests.training.tiny_training import Training

TRAINING = {"Leeds": "GPE", "York": "GPE", "Acme": "ORG", "Initech": "ORG"}
TEST = {"Leeds": "GPE", "Acme": "ORG", "Hull": "GPE", "Globex": "ORG"}

SOURCE = Source(("Leeds",), (0,))


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "probe-memorisation", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def write(path: Path, names: dict[str, str], *raw: str) -> Path:
    """A file with a document for each name, and with others that are not annotated."""
    nlp = spacy.blank("en")
    docs = [nlp(f"We saw {name} today.") for name in names]
    for doc, label in zip(docs, names.values(), strict=True):
        doc.spans["sc"] = [Span(doc, 2, 3, label)]
    DocBin(docs=[*docs, *map(nlp, raw)]).to_disk(path)
    return path


def texts(path: str) -> list[str]:
    docs = DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    return [doc.text for doc in docs]


@pytest.fixture
def by_heart(monkeypatch: pytest.MonkeyPatch) -> Language:
    """The pipeline that the command loads: it finds the names of the training data, and no
    others."""
    nlp = spacy.blank("en")
    script = [[name, label, 0.9] for name, label in TRAINING.items()]
    add_scripted(nlp, script=script).model.attrs["label_words"] = {}
    monkeypatch.setattr("spacy_genner.cli.probe_memorisation.load", lambda *_: nlp)
    return nlp


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The test documents and the training documents."""
    return (
        write(tmp_path / "test.spacy", TEST, "Nobody has read this."),
        write(tmp_path / "train.spacy", TRAINING),
    )


def test_prints_a_table_and_writes_a_file(
    by_heart: Language, files: tuple[Path, Path], tmp_path: Path
) -> None:
    code, output = run("model", *files, "--scheme", "ontonotes5", "-o", tmp_path / "new/out.json")
    assert code == 0, output
    assert "as it is 100.0 50.0 66.7 0.0 to 100.0 seen names 100.0 100.0 100.0" in output
    assert "unseen names 0.0 0.0 0.0 0.0 to 0.0 names of the training data 100.0 100.0" in output
    assert "new names 0.0 0.0 0.0 0.0 to 0.0 -66.7 (-100.0 to +0.0)" in output
    assert "against names of the training data -100.0 (-100.0 to -100.0) < 0.001" in output
    assert "labels A, B, … with definitions 100.0 50.0 66.7 0.0 to 100.0 +0.0 (" in output
    assert "new names: 2 names were swapped, 2 stay: no other has their label (GPE, ORG)" in output
    content = json.loads((tmp_path / "new/out.json").read_text("utf8"))
    assert (content["model"], content["documents"], content["seed"]) == ("model", 4, 0)
    assert content["runs"]["as it is"]["names"]["seen"]["r"] == 1
    assert content["runs"]["new names"]["total"]["f"] == 0
    against = content["differences"]["new names"]["names of the training data"]
    assert against["f"] == -1 and against["ci"] == [-1, -1] and against["p"] < 0.001
    assert content["names"]["new names"] == {
        "swapped": {"GPE": 1, "ORG": 1},
        "kept": {"GPE": 1, "ORG": 1},  # Hull and Globex themselves
    }


def test_new_names_may_come_from_other_documents(
    by_heart: Language, files: tuple[Path, Path], tmp_path: Path
) -> None:
    others = write(tmp_path / "others.spacy", {"Hull": "GPE", "Bath": "GPE", "York": "ORG"})
    code, output = run("model", *files, "--names", others, "-o", tmp_path / "out.json")
    assert code == 0, output
    names = json.loads((tmp_path / "out.json").read_text("utf8"))["names"]["new names"]
    assert names == {"swapped": {"GPE": 2}, "kept": {"ORG": 2}}, "Hull and York are known"


def test_only_the_first_documents_are_scored(
    by_heart: Language, files: tuple[Path, Path], tmp_path: Path
) -> None:
    code, output = run("model", *files, "--limit", 2, "-o", tmp_path / "out.json")
    assert code == 0, output
    content = json.loads((tmp_path / "out.json").read_text("utf8"))
    assert content["documents"] == 2 and content["runs"]["as it is"]["total"]["f"] == 1
    assert not content["names"]["new names"]["kept"], "new names come from all documents"


def test_gold_labels_that_are_not_asked_for_are_named(
    by_heart: Language, files: tuple[Path, Path], tmp_path: Path
) -> None:
    code, output = run("model", write(tmp_path / "fox.spacy", {**TEST, "Rex": "FOX"}), files[1])
    assert code == 0, output
    assert "1 gold spans have labels that the pipeline is not asked for, and cannot be" in output
    assert "found: FOX" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scheme", "nope"], "scheme = 'nope': choose one of ace, "),
        (["--scheme", "genia"], "--scheme genia defines none of the labels GPE, ORG"),
        (["--component", "nope"], "the pipeline has no component 'nope'"),
    ],
)
def test_what_is_wrong_is_said(
    by_heart: Language, files: tuple[Path, Path], options: list[str], message: str
) -> None:
    code, output = run("model", *files, *options)
    assert code == 1 and message in output


def test_documents_without_annotation_or_without_other_names_are_an_error(
    by_heart: Language, files: tuple[Path, Path], tmp_path: Path
) -> None:
    raw = write(tmp_path / "raw.spacy", {}, "Nobody has read this.")
    code, output = run("model", files[0], raw)
    assert code == 1 and "none of the 1 gold documents has" in output
    code, output = run("model", *files, "--names", files[1])
    assert code == 1 and "there are no new names with the labels of the 4 names" in output
    assert not by_heart.get_pipe("generative_ner").model.attrs["batches"]  # type: ignore[attr-defined]
    code, _ = run("model", files[0])
    assert code == 2, "the training documents are required"


@pytest.mark.parametrize("definitions", [{}, {"ORG": "a company or institution"}])
def test_a_training_with_renamed_labels_answers_with_the_labels(
    training: Training, tmp_path: Path, definitions: dict[str, str]
) -> None:
    """As the page Commands says: by overrides of `genner train`."""
    component = "components.generative_ner"
    overrides: dict[str, Any] = {f"{component}.model.label_words": {"A": "ORG"}}
    if definitions:
        overrides[f"{component}.labels"] = definitions
    training = training.having(overrides)
    train(training.config, tmp_path / "out", training.overrides)
    nlp = spacy.load(tmp_path / "out/model-best")
    pipe: Any = nlp.get_pipe("generative_ner")
    [speller] = spellers_of(pipe.model)
    prompt = pipe.model.shims[0].lm.pieces.decode(speller.target(SOURCE, []).prefix)
    assert f"\nLabels: A{' (a company or institution)' if definitions else ''}\n" in prompt
    data = training.overrides["paths.train"]
    found = [span.label_ for doc in nlp.pipe(texts(data)) for span in doc.spans["sc"]]
    assert set(found) == {"ORG"}
    others = write(tmp_path / "others.spacy", {"Globex": "ORG"})
    code, output = run(
        tmp_path / "out/model-best", data, data, "--names", others, "-o", tmp_path / "out.json"
    )
    assert code == 0, output
    runs = json.loads((tmp_path / "out.json").read_text("utf8"))["runs"]
    kind = "with definitions" if definitions else "without definitions"
    assert runs["as it is"]["total"]["predicted"] == len(found)
    assert runs[f"labels A, B, … {kind}"] == runs["as it is"], "these are its own words"
