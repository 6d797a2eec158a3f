from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import pytest

from spacy_genner.files.text_files import (
    as_found,
    numbered_lines,
    opened_as_found,
    paragraphs,
    printable,
    read_text,
    undecoded,
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_come_with_numbers_and_without_ends(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(["Ä\tO", "", " b "]).encode())
    assert list(numbered_lines(path)) == [(1, "Ä\tO"), (2, ""), (3, " b ")]


def test_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress("\ufeffa\nb\n".encode()))
    assert list(numbered_lines(path)) == [(1, "a"), (2, "b")]


def test_only_line_feeds_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\u2028b\x0cc\x85d", encoding="utf-8")
    assert list(numbered_lines(path)) == [(1, "a\u2028b\x0cc\x85d")]


@pytest.mark.parametrize("text", ["", "a\r\nÄ\rb\n\n", "\u2028\x85"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_text_keeps_its_line_ends(tmp_path: Path, start: str, text: str) -> None:
    plain, compressed = tmp_path / "a.txt", tmp_path / "a.txt.gz"
    plain.write_bytes((start + text).encode())
    compressed.write_bytes(gzip.compress((start + text).encode()))
    assert read_text(plain) == read_text(compressed) == text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("latin.txt", "Ä".encode("latin-1")),
        ("plain.gz", b"a O\n"),
        ("cut.gz", gzip.compress(b"a O\n" * 1000, mtime=0)[:30]),
        ("corrupt.gz", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 50),
    ],
    ids=["latin", "plain", "cut", "corrupt"],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* expected UTF-8"):
        list(numbered_lines(path))
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* expected UTF-8"):
        read_text(path)


def test_bytes_that_are_not_utf_8_spoil_their_line_only() -> None:
    lines = list(as_found(BytesIO(b"\xef\xbb\xbfa\r\nZ\xfc" + "rich\nb\x0c\u2028c".encode())))
    assert lines[0] == "a\r\n" and lines[2] == "b\x0c\u2028c"
    assert [undecoded(line)[:25] for line in lines] == ["", "byte 0xfc is not UTF-8: s", ""]
    assert printable(lines[1]) == "Z\\xfcrich\n"


@pytest.mark.parametrize("size", [0, 1, 5, 100])
def test_only_the_beginning_of_a_file_is_read(tmp_path: Path, size: int) -> None:
    (tmp_path / "in.txt").write_bytes(b"a\nbcdefgh")
    with opened_as_found(tmp_path / "in.txt", size) as text:
        assert text.read() == "a\nbcdefgh"[:size]


def test_paragraphs_have_the_numbers_of_their_first_lines() -> None:
    lines = ["\n", "a\n", " b \n", " \t\r\n", "\n", "c"]
    assert list(paragraphs(lines)) == [(2, "a\n b"), (6, "c")]
    assert list(paragraphs(["\n", " "])) == []
