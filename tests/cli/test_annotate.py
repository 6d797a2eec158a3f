import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.annotating.inputs import Input
from spacy_genner.cli import _annotating
from spacy_genner.cli._annotating import devices_of
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


@Language.component("genner_test_fails_on_leith_only")
def fails_on_leith_only(doc: Doc) -> Doc:
    """As above, but in a pipeline that is saved."""
    return fails_on_leith(doc)


def records(folder: Path, name: str = "part-*") -> list[Any]:
    paths = sorted(folder.glob(f"{name}.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def test_a_folder_gets_parts_and_the_command_goes_on_with_them(model: Path, text: Path) -> None:
    output = text.parent / "parts"
    code, printed = run(model, text, "--lines", "-o", output, "--part-size", 2)
    assert code == 0 and "Annotated 4 documents; they are in" in printed
    assert [record["text"] for record in records(output)] == [
        "The University of Edinburgh",
        "is in Leith.",
        "اسم [a] </s> 🎉",
        "Leith",
    ]
    assert "University" not in printed
    (output / "part-00001.jsonl").unlink()
    code, printed = run(model, text, "--lines", "-o", output, "--part-size", 2)
    assert code == 0 and "4 documents, 2 of them by an earlier run" in " ".join(printed.split())
    code, printed = run(model, text, "-o", output, "--part-size", 2)
    assert code == 1 and "holds a run with lines = True, not False" in " ".join(printed.split())


def test_workers_write_the_same_parts(model: Path, text: Path) -> None:
    for name, more in {"one": [], "two": ["--workers", 2]}.items():
        options = ["--lines", "-o", text.parent / name, "--part-size", 2, "--batch-size", 1]
        code, printed = run(scoreless(model), text, *options, *more)
        assert code == 0, printed
    assert records(text.parent / "one") == records(text.parent / "two") != []


def scoreless(model: Path) -> Path:
    """A pipeline that other processes can load: its components are all spaCy's."""
    nlp = spacy.load(model, exclude=["genner_test_scores"])
    nlp.to_disk(model.parent / "scoreless")
    return model.parent / "scoreless"


def test_what_fails_is_in_a_file_beside(model: Path, text: Path) -> None:
    nlp = spacy.load(model)
    nlp.add_pipe("genner_test_fails_on_leith_only")
    nlp.to_disk(model)
    code, printed = run(model, text, "-o", text.parent / "out")
    assert code == 0 and "1 documents failed; see" in " ".join(printed.split())
    (failure,) = records(text.parent / "out", "_failed-*")
    assert failure["position"] == 2 and failure["record"] == {"text": "Leith"}
    assert failure["reason"] == "genner_test_fails_on_leith_only: no"
    assert failure["place"].endswith("in.txt:8")


def test_standard_input_and_output_are_streams_of_lines(model: Path) -> None:
    lines = '{"n": "é", "body": "Leith"}\n\n{"body": 3, "n": "\x9f"}\n'
    command = ["genner", "annotate", str(model), "-", "--text-field", "body", "-o", "-"]
    result = CliRunner(charset="latin1").invoke(app, command, input=lines.encode())
    assert result.exit_code == 0
    (record,) = map(json.loads, result.stdout_bytes.decode("utf8").splitlines())
    assert record["n"] == "é" and record["spans"][0]["text"] == "Leith"
    (failure,) = map(json.loads, result.stderr.splitlines())
    assert failure["reason"] == "`body` is of type int: expected a string"
    assert failure["record"]["n"] == "\x9f"


def test_new_words_of_a_long_stream_are_forgotten(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_annotating, "_ZONE", 2)
    nlp = spacy.load(model)
    before = len(nlp.vocab.strings)
    texts = (Input(i, "in", {"text": f"Leith new{i}"}, "text") for i in range(5))
    found = [result.doc.text for result in _annotating.passing(nlp, texts, None)]
    assert found == [f"Leith new{i}" for i in range(5)]
    assert len(nlp.vocab.strings) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "out.csv"], "must end in .jsonl or .parquet or .spacy"),
        (["-o", "out.json"], "must end in .jsonl or .parquet or .spacy"),
        (["-o", "out.jsonl", "--format", "label-studio"], "must end in .json, or be"),
        (["-o", "-", "--format", "spacy"], "it is not one of lines"),
        (["-o", "out.jsonl", "--workers", "2"], "are for a folder"),
        (["--devices", "0"], "are for a folder"),
        (["--ray", "local"], "are for a folder"),
        (["-o", "out", "--ray", "local", "--devices", "0"], "use --gpus-per-worker"),
        (["-o", "out", "--gpus-per-worker", "1"], "is for --ray: use --devices"),
        (["-o", "out", "--html", "page.html"], "leave out the output folder"),
        (["-o", "out", "--text-field", "spans"], "the output has the entities there"),
    ],
)
def test_options_that_do_not_go_together(
    text: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(text.parent)
    code, printed = run("no model", text, *options)
    assert code == 1 and message in " ".join(printed.split())
    assert [path.name for path in text.parent.iterdir()] == ["in.txt"]


@pytest.mark.parametrize(
    ("workers", "devices", "expected"),
    [
        (None, None, []),
        (1, None, []),
        (2, None, [None, None]),
        (None, "0", ["0"]),
        (None, "0,1", ["0", "1"]),
        (3, "0,1", ["0", "1", "0"]),
    ],
)
def test_each_worker_has_a_device(
    workers: int | None, devices: str | None, expected: list[str | None]
) -> None:
    assert devices_of(workers, devices) == expected


def test_a_format_for_a_tool(model: Path, text: Path) -> None:
    output = text.parent / "tasks.json"
    assert run(model, text, "-o", output, "--format", "label-studio")[0] == 0
    assert len(json.loads(output.read_text("utf-8"))) == 3
