from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.printing import msg

COLUMNS = "University\tB-ORG\tO\nof\tI-ORG\tO\nBonn\tI-ORG\tB-LOC\n\nHello\tO\tO\n"


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    result = CliRunner().invoke(app, ["genner", "convert", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def docs(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    path = tmp_path / "a.conll"
    path.write_text(COLUMNS, encoding="utf-8")
    return path


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "In Bonnstadt.", "spans": [[3, 7, "LOC"]]}\n', encoding="utf-8")
    return path


def test_columns_are_written_with_all_levels(columns: Path) -> None:
    output = columns.parent / "new" / "a.spacy"
    code, printed = run(
        columns, output, "--format", "columns", "--tag-columns", "1,2", "--spans-key", "gold"
    )
    assert code == 0 and "spans written 2" in printed and "of them nested 1" in printed, printed
    first, second = docs(output)
    spans = [(span.text, span.label_) for span in first.spans["gold"]]
    assert spans == [("University of Bonn", "ORG"), ("Bonn", "LOC")]
    assert [ent.label_ for ent in first.ents] == ["ORG"]
    assert second.text == "Hello " and len(second.spans["gold"]) == 0


def test_the_report_is_written_and_losses_are_called_out(columns: Path) -> None:
    report = columns.parent / "report.json"
    output = columns.with_suffix(".spacy")
    arguments = ("--format", "columns", "--tag-columns", "1,-1", "--max-depth", 1, "--json", report)
    code, printed = run(columns, output, *arguments)
    assert code == 0 and "1 of 2 spans are not in the output" in printed, printed
    assert json.loads(report.read_text("utf-8"))["lost"] == {"too deep": 1}


@pytest.mark.parametrize(
    ("alignment", "text"), [("expand", ["Bonnstadt"]), ("contract", []), ("strict", [])]
)
def test_json_lines_with_an_alignment(jsonl: Path, alignment: str, text: list[str]) -> None:
    output = jsonl.with_suffix(".spacy")
    code, printed = run(
        jsonl, output, "--format", "jsonl", "--alignment", alignment, "--lang", "de"
    )
    assert code == 0 and "misaligned" in printed, printed
    (doc,) = docs(output)
    assert [span.text for span in doc.spans["sc"]] == text


def test_merge_scheme_comment_token_column_and_limit(tmp_path: Path) -> None:
    one, two, output = tmp_path / "1", tmp_path / "2", tmp_path / "a.spacy"
    one.write_text("% x\n1 a I-A\n\n2 b O\n", encoding="utf-8")
    two.write_text("1 a I-B\n\n2 b O\n", encoding="utf-8")
    options = [
        "--format",
        "columns",
        "--merge",
        "--comment",
        "%",
        "--token-column",
        1,
        "--scheme",
        "iob2",
    ]
    code, printed = run(one, two, output, *options)
    assert code == 0 and "changed: tags not valid in iob2 2" in printed, printed
    assert [[span.label_ for span in doc.spans["sc"]] for doc in docs(output)] == [["A", "B"], []]
    drawn = set()
    for seed in range(9):
        code, _ = run(one, two, output, *options, "--limit", 1, "--seed", seed)
        (doc,) = docs(output)
        drawn.add(doc.text)
    assert code == 0 and drawn == {"a ", "b "}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["a.conll", "b.conll", "--format", "columns"],
            "the last argument is the output and must end in .spacy",
        ),
        (["none.conll", "b.spacy", "--format", "columns"], "no such file"),
        (["a.conll", "b.spacy"], "--format"),
        (
            ["a.conll", "b.spacy", "--format", "xml"],
            "'xml' is not one of 'columns', 'jsonl', 'brat'",
        ),
        (["a.conll", "b.spacy", "--format", "brat"], "a.conll: expected NAME.txt or NAME.ann"),
        (
            [".", "b.spacy", "--format", "columns"],
            ".: only --format brat and --corpus read folders",
        ),
        ([".", "b.spacy", "--format", "jsonl"], ".: only --format brat and --corpus read folders"),
        (
            ["a.conll", "b.spacy", "--format", "columns", "--tag-columns", "1;2"],
            "expected column numbers with commas",
        ),
        (
            ["a.conll", "b.spacy", "--format", "columns", "--tag-columns", "7"],
            "a.conll:1: columns 0, 7 are wanted",
        ),
        (["a.conll", "b.spacy", "--format", "columns", "--max-depth", "0"], "max-depth"),
        (["a.conll", "b.spacy", "--format", "jsonl"], "a.conll:1 is not JSON"),
        (["a.conll", "b.spacy", "--format", "columns", "--lang", "qq"], "qq"),
        (
            ["a.conll", "b.spacy", "--format", "columns", "--comment", "U", "--token-column", "9"],
            "columns 9, -1 are",
        ),
    ],
)
def test_bad_arguments_write_nothing(
    columns: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(columns.parent)
    monkeypatch.setenv("COLUMNS", "200")
    code, printed = run(*arguments)
    plain = " ".join(printed.replace("│", " ").split())
    assert code != 0 and message in plain, printed
    assert sorted(path.name for path in columns.parent.iterdir()) == ["a.conll"]
    assert columns.read_text("utf-8") == COLUMNS


def test_takes_the_compressed_file_where_only_that_is_there(columns: Path, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "b.conll.gz", "wb") as file:
        file.write(columns.read_bytes())
    code, output = run(tmp_path / "b.conll", tmp_path / "b.spacy", "--format", "columns")
    assert code == 0, output
    assert len(docs(tmp_path / "b.spacy")) == 2


@pytest.fixture
def brat(tmp_path: Path) -> Path:
    folder = tmp_path / "brat"
    folder.mkdir()
    (folder / "a.txt").write_bytes("👍 University of Bonn,\r\nBeethovenstadt".encode())
    lines = [
        "T1\tORG 2 20\tUniversity of Bonn",
        "T2\tLOC 16 20\tBonn",
        "T3\tX 2 12;16 20\tUniversity Bonn",
    ]
    lines += ["T4\tPER 23 32\tBeethoven", "R1\tIn Arg1:T1 Arg2:T2", "#1\tAnnotatorNotes T1\tsure?"]
    (folder / "a.ann").write_text("\n".join(lines), "utf-8")
    (folder / "empty.txt").touch()
    (folder / "empty.ann").touch()
    return folder


@pytest.mark.parametrize("as_files", [False, True])
def test_brat_folders_and_files(brat: Path, as_files: bool) -> None:
    output, report = brat.with_suffix(".spacy"), brat.with_suffix(".json")
    inputs = sorted(brat.iterdir()) if as_files else [brat]
    code, printed = run(*inputs, output, "--format", "brat", "--json", report)
    assert code == 0 and "1 of 4 spans are not in the output" in printed, printed
    assert (
        "LOST: discontinuous 1" in printed
        and "ignored: relations 1" in printed
        and "2 documents" in printed
    )
    first, second = docs(output)
    spans = [(span.text, span.label_) for span in first.spans["sc"]]
    assert spans == [("University of Bonn", "ORG"), ("Bonn", "LOC"), ("Beethovenstadt", "PER")]
    assert first.text == "👍 University of Bonn,\r\nBeethovenstadt" and [
        ent.label_ for ent in first.ents
    ] == [
        "ORG",
        "PER",
    ]
    assert second.text == "" and len(second.spans["sc"]) == 0
    written = json.loads(report.read_text("utf-8"))
    assert written["ignored"] == {"relations": 1, "notes": 1} and written["lost"] == {
        "discontinuous": 1
    }
    code, printed = run(*inputs, output, "--format", "brat", "--alignment", "strict")
    assert code == 0 and "LOST: misaligned 1" in printed, printed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, "a.txt is missing: each NAME.txt needs a NAME.ann"),
        ("a.ann", None, "a.ann is missing"),
        (
            "a.ann",
            "T1 ORG 2 20 University",
            "a.ann:1: 'T1 ORG 2 20 University' is not an annotation",
        ),
        ("a.txt", "\ud800", "a.txt cannot be read"),
    ],
)
def test_bad_brat_documents_write_nothing(
    brat: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, message: str
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    (brat / name).unlink()
    if content is not None:
        (brat / name).write_bytes(content.encode(errors="surrogatepass"))
    output = brat.with_suffix(".spacy")
    code, printed = run(brat, output, "--format", "brat")
    assert code == 1 and "Nothing is written" in printed and message in printed, printed
    assert not output.exists()


def test_what_is_no_gold_is_called_out(tmp_path: Path) -> None:
    path, report = tmp_path / "a.jsonl", tmp_path / "report.json"
    records = [
        {"text": "Bonn", "spans": [[0, 4, "LOC"]], "answer": answer}
        for answer in ("reject", "accept", "ignore")
    ]
    path.write_text("\n".join(map(json.dumps, records)), "utf-8")
    code, printed = run(path, tmp_path / "a.spacy", "--format", "jsonl", "--json", report)
    assert code == 0 and "2 records are not in the output: see left out above" in printed, printed
    assert "left out: answer: reject 1" in printed and f"First answer: ignore: {path}:3" in printed
    assert len(docs(tmp_path / "a.spacy")) == 1
    assert json.loads(report.read_text("utf-8"))["left_out"] == {
        "answer: reject": 1,
        "answer: ignore": 1,
    }


def test_tag_names(tmp_path: Path) -> None:
    path, output = tmp_path / "a.jsonl", tmp_path / "a.spacy"
    path.write_text('{"tokens": ["New", "York"], "ner_tags": [2, 1]}', "utf-8")
    code, printed = run(path, output, "--format", "jsonl", "--tag-names", "O,I-LOC,B-LOC")
    assert code == 0 and "tag scheme iob2" in printed, printed
    assert [ent.text for ent in docs(output)[0].ents] == ["New York"]
    code, printed = run(path, output, "--format", "jsonl")
    assert code == 1 and "with --tag-names O,B-ORG" in printed, printed


@pytest.mark.parametrize(
    ("format", "content"), [("jsonl", ""), ("jsonl", "[]"), ("columns", "\n\n")]
)
def test_an_empty_file_is_an_error_that_names_it(tmp_path: Path, format: str, content: str) -> None:
    (tmp_path / "a").write_text(content)
    code, printed = run(tmp_path / "a", tmp_path / "a.spacy", "--format", format)
    assert code == 1 and "/a " in printed and not (tmp_path / "a.spacy").exists(), printed


def test_texts_of_the_input_cannot_do_anything_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(msg, "show_color", False)
    path, spans = (
        tmp_path / "a.jsonl",
        [[0, 4, "L\x1b]0;C\x07"], [0, 4, "\u202eX"], [0, 9, "\u2066Y\x9b31m"]],
    )
    path.write_text(json.dumps({"text": "Bonn", "spans": spans}), "utf-8")
    code, printed = run(path, tmp_path / "a.spacy", "--format", "jsonl")
    assert code == 0 and r"L\x1b]0;C\x07 1" in printed and r"[0, 9, \u2066Y\x9b31m]" in printed, (
        printed
    )
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} & set(printed)
    (doc,) = docs(tmp_path / "a.spacy")
    assert [span.label_ for span in doc.spans["sc"]] == ["L\x1b]0;C\x07", "\u202eX"]
    path.write_text(
        json.dumps({"text": "Bonn", "spans": [{"\x1b": 0}]}) + "\n" + "\x1b[31m", "utf-8"
    )
    code, printed = run(path, tmp_path / "a.spacy", "--format", "jsonl")
    assert code == 1 and "\x1b" not in printed, printed
