"""Every kind of input gives the same records, and a broken record does not end the rest."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_genner.annotating.inputs import Input, Inputs
from spacy_genner.files.text_files import paragraphs

TEXTS = ["The University of Edinburgh", "اسم [a] </s> 🎉", 'line\nbreak, "quotes"']
RECORDS = [{"id": f"d{i}", "text": text, "source": "web"} for i, text in enumerate(TEXTS)]


def records(path: Path, content: bytes | None = None, **settings: Any) -> list[Input]:
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return list(Inputs.of(path, **settings))


def texts(path: Path, content: bytes | None = None, **settings: Any) -> list[str]:
    return [each.text for each in records(path, content, **settings)]


def json_lines(values: list[Any]) -> bytes:
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


def csv_of(separator: str) -> bytes:
    rows = ["id", "text", "source"], *[list(record.values()) for record in RECORDS]
    quoted = [[f'"{cell}"' for cell in (c.replace('"', '""') for c in row)] for row in rows]
    return "".join(f"{separator.join(row)}\r\n" for row in quoted).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.jsonl", json_lines(RECORDS)),
        ("in.ndjson", b"\xef\xbb\xbf" + json_lines(RECORDS) + b"\n\n"),
        ("in.jsonl.gz", gzip.compress(json_lines(RECORDS))),
        ("IN.JSONL.GZ", gzip.compress(json_lines(RECORDS))),
        ("in.csv", csv_of(",")),
        ("in.tsv", csv_of("\t")),
        ("in.tsv.gz", gzip.compress(csv_of("\t"))),
    ],
)
def test_fields_are_kept(tmp_path: Path, name: str, content: bytes) -> None:
    found = records(tmp_path / name, content)
    assert [each.fields for each in found] == RECORDS
    assert [each.text for each in found] == TEXTS
    assert [each.id for each in found] == ["d0", "d1", "d2"]
    assert [each.position for each in found] == [0, 1, 2]
    assert found[0].others == {"id": "d0", "source": "web"}
    assert str(tmp_path / name) in found[0].place


def test_parquet_keeps_the_types_of_its_columns(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"text": "a", "n": 1, "tags": ["x"]}, {"text": None, "n": None, "tags": []}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "in.parquet")
    first, second = records(tmp_path / "in.parquet")
    assert first.fields == rows[0] and first.place.endswith("in.parquet[0]")
    assert second.fault == "`text` is null: expected a string"
    with pytest.raises(ValueError, match=r"in\.parquet has no column 'body', only text, n, tags"):
        records(tmp_path / "in.parquet", text_field="body")
    with pytest.raises(ValueError, match=r"bad\.parquet cannot be read as Parquet"):
        records(tmp_path / "bad.parquet", b"PAR1 this is not")


def test_a_docbin_gives_its_texts(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    DocBin(docs=map(nlp, TEXTS)).to_disk(tmp_path / "in.spacy")
    assert texts(tmp_path / "in.spacy") == TEXTS
    with pytest.raises(ValueError, match=r"bad\.spacy: cannot be read as \.spacy data"):
        records(tmp_path / "bad.spacy", b"nothing")


def test_a_text_is_cut_into_paragraphs_or_lines(tmp_path: Path) -> None:
    text = (
        "The University of Edinburgh\nis in Leith.\n\n \t\n\nاسم [a] </s> 🎉\r\n\r\nLeith\u2028x\n"
    )
    found = records(tmp_path / "in.txt", text.encode())
    expected = ["The University of Edinburgh\nis in Leith.", "اسم [a] </s> 🎉", "Leith\u2028x"]
    assert [each.text for each in found] == expected
    assert [each.place.rpartition(":")[2] for each in found] == ["1", "6", "8"]
    assert found[0].fields == {"text": expected[0]}
    by_line = [line.strip() for line in text.split("\n") if line.strip()]
    assert texts(tmp_path / "in.txt", lines=True) == by_line
    assert texts(tmp_path / "README", b"\xef\xbb\xbfBonn") == ["Bonn"]
    assert texts(tmp_path / "empty.txt", b"\n \n\t") == []


@given(st.text(st.sampled_from("ab \t\r\n\u2028\u3000")))
def test_paragraphs_are_what_lies_between_blank_lines(text: str) -> None:
    found = [paragraph for _, paragraph in paragraphs(io.StringIO(text, newline="\n"))]
    lines = ["" if not line.strip() else line for line in text.split("\n")]
    blocks = "\n".join(lines).split("\n\n")
    assert found == [block.strip() for block in blocks if block.strip()]


def test_in_a_folder_a_text_file_is_a_document(tmp_path: Path) -> None:
    contents = {"b/2.txt": b"x\n\ny", "a.txt": b"z", ".hidden/3.txt": b"no", "_done.jsonl": b"no"}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.md").write_text("no")
    (tmp_path / "c.jsonl").write_bytes(json_lines(RECORDS[:1]))
    found = records(tmp_path)
    assert [(each.id, each.text) for each in found] == [
        ("a.txt", "z"),
        ("b/2.txt", "x\n\ny"),
        ("d0", TEXTS[0]),
    ]
    by_line = records(tmp_path, lines=True)
    assert [each.id for each in by_line] == ["a.txt:1", "b/2.txt:1", "b/2.txt:3", "d0"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"text": "a"}\n\n{"text": "b"}\n', ["a", "b"]),
        (b"\n\nfirst {\n\nsecond\n", ["first {", "second"]),
        (b"[1]\n{}\n", ["[1]", "{}"]),
        (b'\xef\xbb\xbf {"text": "a"}', ["a"]),
        (b"", []),
    ],
)
def test_standard_input_is_lines_of_text_or_json(
    monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert texts(Path("-")) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": null}', "`text` is null: expected a string"),
        (b'{"text": 3}', "`text` is of type int: expected a string"),
        (b'{"body": "x", "id": 1}', "there is no field `text`, only body, id"),
        (b"{}", "there is no field `text`, only an empty object"),
        (b'{"text": "x"', "is not JSON"),
        (b'["x"]', "is of type list: expected an object"),
        (b'{"text": "Z\xfcrich"}', "byte 0xfc is not UTF-8"),
        (b'{"text": "\\ud83d"}', "half a character"),
    ],
)
def test_a_broken_line_is_a_fault_of_its_own(tmp_path: Path, line: bytes, reason: str) -> None:
    good = json_lines(RECORDS[:1])
    found = records(tmp_path / "in.jsonl", good + line + b"\n" + good)
    assert [bool(each.fault) for each in found] == [False, True, False]
    assert reason in found[1].fault and found[1].place.endswith("in.jsonl:2")
    json.dumps(found[1].fields).encode()


def test_a_broken_row_is_a_fault_of_its_own(tmp_path: Path) -> None:
    content = b'id,text\n1,a\n2\n3,Z\xfcrich\n4,"b,""c"""\n'
    found = records(tmp_path / "in.csv", content)
    assert [each.fault[:16] for each in found] == ["", "the row has 1 ce", "byte 0xfc is not", ""]
    assert found[3].fields == {"id": "4", "text": 'b,"c"'}
    assert found[2].fields == {"line": "3,Z\\xfcrich"}
    with pytest.raises(ValueError, match=r"no column 'body', only id, text: .* --text-field"):
        records(tmp_path / "in.csv", text_field="body")
    with pytest.raises(ValueError, match="two columns with the same name"):
        records(tmp_path / "in.csv", b"text,text\n")
    assert records(tmp_path / "in.csv", b"") == []


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_genner.annotating.tables._LONGEST", 1000)
    rows = b"".join(b"%d,text\n" % i for i in range(1000))
    found = records(tmp_path / "in.csv", b'id,text\n0,"open\n' + rows)
    assert "this is not a row" in found[0].fault and len(found) > 500
    assert found[-1].fields == {"id": "999", "text": "text"}


def test_bytes_that_are_not_utf_8_spoil_their_paragraph_only(tmp_path: Path) -> None:
    first, second, third = records(tmp_path / "in.txt", "a\n\nZürich\n\nb".encode("latin1"))
    assert (first.text, third.text) == ("a", "b")
    assert "byte 0xfc is not UTF-8" in second.fault and second.fields == {"line": "Z\\xfcrich"}


def test_what_is_appended_meanwhile_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(json_lines(RECORDS))
    inputs = Inputs.of(path)
    stream = iter(inputs)
    next(stream)
    with path.open("ab") as file:
        file.write(json_lines(RECORDS) * 1000)
    assert [each.position for each in stream] == [1, 2]


def test_a_broken_first_line_of_standard_input_does_not_make_texts_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = b'{"text": "a"\n{"text": "b"}\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    broken, whole = Inputs.of(Path("-"))
    assert "-:1 is not JSON" in broken.fault and whole.text == "b"


def test_a_file_whose_name_is_not_utf_8_has_an_identifier_that_can_be_written(
    tmp_path: Path,
) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "Z") + b"\xfc.txt")).write_text("a")
    except OSError:
        pytest.skip("the names of files must be UTF-8 here")
    (found,) = records(tmp_path)
    assert found.id == "Z\\xfc.txt" and found.place.endswith("Z\\xfc.txt")


def test_what_cannot_be_an_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]")
    with pytest.raises(ValueError, match=r"in\.json: expected one object per line"):
        Inputs.of(tmp_path / "in.json")
    with pytest.raises(ValueError, match=r"has no file whose name ends in \.txt, \.jsonl"):
        Inputs.of(tmp_path)
    with pytest.raises(ValueError, match=r"cut\.jsonl\.gz cannot be read to its end"):
        records(tmp_path / "cut.jsonl.gz", gzip.compress(json_lines(RECORDS) * 100)[:50])
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="pipe is not a file: give - as the input"):
            Inputs.of(tmp_path / "pipe")
