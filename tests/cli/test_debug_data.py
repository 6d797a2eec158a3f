from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

NLP = spacy.blank("xx")


def doc(text: str, *spans: tuple[int, int, str]) -> Doc:
    made = NLP.make_doc(text)
    made.spans["sc"] = [Span(made, *span) for span in spans]
    return made


def run(folder: Path, *arguments: object) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    files = [str(folder / "train.spacy"), str(folder / "dev.spacy")]
    result = CliRunner().invoke(app, ["genner", "debug-data", *files, *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    train = [doc("University of Bonn", (0, 3, "ORG"), (2, 3, "LOC")), doc("Nothing here at all")]
    dev = [
        doc("Bonn met Ada", (0, 1, "LOC"), (2, 3, "PER")),
        doc("Nothing here at all"),
        doc("x", (0, 1, "LOC")),
    ]
    DocBin(docs=train).to_disk(tmp_path / "train.spacy")
    DocBin(docs=dev).to_disk(tmp_path / "dev.spacy")
    return tmp_path


def test_both_parts_are_printed_side_by_side(folder: Path) -> None:
    code, printed = run(folder, "--window", 3)
    assert code == 0, printed
    rows = "documents 2 3|without spans 1 1|tokens 7 8|longest document 4 4|over 3 tokens 1 1|spans 2 3|nested 50.0% 0.0%"
    for row in [*rows.split("|"), "depth 1 1 3", "depth 2 1 0", "LOC 1 2", "ORG 1 0", "PER 0 1"]:
        assert row in printed
    assert "33.3% of the spans in dev have a text that is a span in train too" in printed
    assert "1 documents of dev have the text of a document of train" in printed


def test_a_file_without_documents_is_named(folder: Path) -> None:
    DocBin().to_disk(folder / "dev.spacy")
    code, printed = run(folder)
    assert code == 1 and "dev.spacy: there is no document in it" in printed


def test_the_settings_of_the_component_count(folder: Path) -> None:
    assert "cannot be learnt" not in run(folder)[1]
    assert "train: 1 spans cannot be learnt: too deep" in run(folder, "--max-depth", 1)[1]
    assert (
        "train: 1 spans cannot be learnt: longer than the window" in run(folder, "--window", 2)[1]
    )
    _, printed = run(folder, "--spans-key", "gold")
    assert "dev: no document has spans under 'gold': doc.ents are used instead" in printed


def test_files_that_are_none(folder: Path) -> None:
    whole = (folder / "dev.spacy").read_bytes()
    for content in (b"garbage", b"", whole[: len(whole) // 2]):
        (folder / "dev.spacy").write_bytes(content)
        code, printed = run(folder)
        assert code == 1 and "dev.spacy is not a .spacy file" in printed, printed
    (folder / "dev.spacy").unlink()
    assert run(folder)[0] == 2
