from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spacy_genner.files.text_files import numbered_lines, read_text, read_texts


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


def test_paragraphs_are_separated_by_blank_lines(tmp_path: Path) -> None:
    text = "The University of Edinburgh\nis in Leith.\n\n \t\n\nاسم [a] </s> 🎉\r\n\r\nLeith\n"
    (tmp_path / "in.txt").write_bytes(text.encode())
    assert read_texts(tmp_path / "in.txt") == [
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
