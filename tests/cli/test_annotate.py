import io
import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.cli.annotate import annotate_cli
from spacy_genner.evaluation.annotations import tree
from spacy_genner.evaluation.spans import read_spans
from spacy_genner.files.text_files import read_texts

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


def test_paragraphs_are_separated_by_blank_lines(text: Path) -> None:
    assert read_texts(text) == [
        "The University of Edinburgh\nis in Leith.",
        "اسم [a] </s> 🎉",
        "Leith",
    ]


def test_lines_are_separated_by_line_ends_only(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes("a\r\n\n  \nb\u2028c\x0cd \n\n".encode())
    assert read_texts(tmp_path / "in.txt", lines=True) == ["a", "b\u2028c\x0cd"]


@pytest.mark.parametrize("content", [b"", b"\n \n\t\n", b"\xef\xbb\xbf"])
def test_a_file_without_text_has_no_documents(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(content)
    assert read_texts(tmp_path / "in.txt") == read_texts(tmp_path / "in.txt", lines=True) == []


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xef\xbb\xbfBonn")
    assert read_texts(tmp_path / "in.txt") == ["Bonn"]


def test_bytes_that_are_not_utf_8_are_named(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes("fine\nZürich".encode("latin1"))
    with pytest.raises(ValueError, match=r"in\.txt, line 2: byte 0xfc is not UTF-8: .*iconv"):
        read_texts(tmp_path / "in.txt")


def drawn(*spans: tuple[int, int, str]) -> list[str]:
    doc = spacy.blank("xx")("a b c d\ne f")
    doc.spans["sc"] = [Span(doc, *span) for span in spans]
    return tree(doc, read_spans(doc, "spans", "sc")).splitlines()[1:]


def test_an_entity_is_indented_below_the_one_it_lies_in() -> None:
    spans = [(0, 4, "A"), (0, 2, "B"), (1, 2, "C"), (2, 3, "D"), (6, 7, "E")]
    assert drawn(*spans) == ["  A  a b c d", "    B  a b", "      C  b", "    D  c", "  E  f"]


def test_two_labels_on_one_span_stand_side_by_side() -> None:
    assert drawn((0, 2, "B"), (0, 2, "A"), (0, 1, "C")) == ["  A  a b", "  B  a b", "    C  a"]


def test_crossing_spans_stand_side_by_side() -> None:
    assert drawn((0, 2, "A"), (1, 3, "B")) == ["  A  a b", "  B  b c"]


def test_an_entity_over_two_lines_is_printed_on_one() -> None:
    assert drawn((3, 6, "A")) == ["  A  d e"]
    assert drawn() == ["  no entities"]


def test_texts_and_labels_cannot_do_anything_to_the_terminal() -> None:
    doc = Doc(
        spacy.blank("xx").vocab,
        words=["a\x1b]0;x\x07", "\u202eb", "c\r", "👩\u200d👧", "می\u200cخواهم"],
    )
    doc.spans["sc"] = [Span(doc, 0, 2, "L\x9b2J\n"), Span(doc, 3, 5, "\u2066M")]
    assert tree(doc, read_spans(doc, "spans", "sc")).splitlines() == [
        "a\\x1b]0;x\\x07 \\u202eb c 👩\u200d👧 می\u200cخواهم",
        r"  L\x9b2J\n  a\x1b]0;x\x07 \u202eb",
        "  \\u2066M  👩\u200d👧 می\u200cخواهم",
    ]


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
