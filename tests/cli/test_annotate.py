import io
import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.cli.annotate import annotate_cli

TEXT = "The University of Edinburgh\nis in Leith.\n\n \t\n\nاسم [a] </s> 🎉\r\n\r\nLeith\n"
PRINTED = """\
The University of Edinburgh is in Leith.
  ORG  University of Edinburgh  0.50
    GPE  Edinburgh  0.50
  GPE  Leith  0.50
اسم [a] </s> 🎉
  no entities
Leith
  GPE  Leith  0.50
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@Language.component("genner_test_scores")
def scores(doc: Doc) -> Doc:
    doc.spans["sc"].attrs["scores"] = np.full(len(doc.spans["sc"]), 0.5)
    return doc


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp = spacy.blank("xx")
    patterns = [("ORG", "University of Edinburgh"), ("GPE", "Edinburgh"), ("GPE", "Leith")]
    nlp.add_pipe("span_ruler", config={"spans_key": "sc"}).add_patterns(
        [{"label": label, "pattern": text} for label, text in patterns]
    )
    nlp.add_pipe("genner_test_scores")
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_bytes(TEXT.encode("utf-8"))
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "annotate", *map(str, arguments)])
    return result.exit_code, result.output


def test_entities_are_printed_with_their_scores(
    model: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotate_cli(str(model), text)
    printed, progress = capsys.readouterr()
    assert (printed, progress) == (PRINTED, "")


def test_a_terminal_shows_progress_that_leaves_no_trace(
    model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    annotate_cli(str(model), text)
    shown = terminal.getvalue()
    lines = [line.rsplit("\r", 1)[-1] for line in shown.split("\n")]
    assert "/3 [" in shown and "\n".join(lines) == PRINTED


def test_json_lines_have_character_offsets(model: Path, text: Path) -> None:
    output = text.parent / "new" / "out.jsonl"
    assert run(model, text, "-o", output)[0] == 0
    first, second, third = map(json.loads, output.read_text("utf-8").splitlines())
    assert [(s["label"], first["text"][s["start"] : s["end"]]) for s in first["spans"]] == [
        ("ORG", "University of Edinburgh"),
        ("GPE", "Edinburgh"),
        ("GPE", "Leith"),
    ]
    assert second == {"text": "اسم [a] </s> 🎉", "spans": []}
    assert third["spans"] == [{"start": 0, "end": 5, "label": "GPE", "text": "Leith", "score": 0.5}]


def test_a_docbin_keeps_spans_and_scores(model: Path, text: Path) -> None:
    output = text.parent / "out.spacy"
    assert run(model, text, "--lines", "-o", output)[0] == 0
    docs = list(DocBin().from_disk(output).get_docs(spacy.blank("xx").vocab))
    assert [len(doc.spans["sc"]) for doc in docs] == [2, 1, 0, 1]
    assert list(docs[0].spans["sc"].attrs["scores"]) == [0.5, 0.5]


def test_the_page_shows_all_documents(model: Path, text: Path) -> None:
    html = text.parent / "page.html"
    assert run(model, text, "--html", html)[0] == 0
    page = html.read_text("utf-8")
    assert page.count("<section") == 3 and "0.50" in page and "Entities of in.txt" in page


def test_ents_are_shown_where_the_pipeline_writes_no_group(model: Path, text: Path) -> None:
    assert "no entities" in run(model, text, "--spans-key", "other")[1]
    assert "GPE" not in run(model, text, "--spans-key", "other")[1]


def test_an_empty_file_gives_a_warning_and_an_empty_output(model: Path, text: Path) -> None:
    text.write_bytes(b"\n\n")
    output = text.parent / "out.jsonl"
    code, printed = run(model, text, "-o", output, "--html", text.parent / "page.html")
    assert code == 0 and "There is no text in" in printed
    assert output.read_bytes() == b"" and "no documents to show" in (
        text.parent / "page.html"
    ).read_text("utf-8")


def test_another_suffix_is_an_error_before_anything_runs(model: Path, text: Path) -> None:
    code, printed = run(text.parent / "no model", text, "-o", text.parent / "out.csv")
    assert code == 1 and "must end in" in printed


@Language.component("genner_test_fails_on_leith")
def fails_on_leith(doc: Doc) -> Doc:
    if doc.text == "Leith":
        raise RuntimeError("no")
    return doc


def test_documents_that_fail_are_counted(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("genner_test_fails_on_leith")
    nlp.set_error_handler(lambda *_: None)
    monkeypatch.setattr("spacy_genner.cli.annotate.load", lambda *_: nlp)
    code, printed = run("any", text)
    assert code == 0 and "1 of 3 documents failed" in printed
