from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spacy_genner.files.text_files import numbered_lines, read_text


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
        ("cut.gz", gzip.compress(b"a O\n" * 1000)[:30]),
        ("corrupt.gz", gzip.compress(b"")[:10] + b"\xff" * 50),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* expected UTF-8"):
        list(numbered_lines(path))
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* expected UTF-8"):
        read_text(path)
