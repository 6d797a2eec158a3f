"""Reading text files as users have them: compressed or not, with a byte order mark or without."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def present(path: Path) -> Path:
    """Return the path of a file or folder, or that of the file's compressed form (`.gz`) where only
    that is there.

    Raises:
        FileNotFoundError: If neither is there.
    """
    if path.exists():
        return path
    compressed = path.with_name(f"{path.name}.gz")
    if compressed.exists():
        return compressed
    raise FileNotFoundError(f"{path}: there is no such file, nor a .gz of it")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 file without their line ends, each with its number, from 1.

    A file whose name ends in ".gz" is decompressed.

    Raises:
        ValueError: If the file is not UTF-8 text.
        ValueError: If its name ends in ".gz", but it is not a gzip file, or a truncated one.
    """
    with _opened(path, newline=None) as file:
        for number, line in enumerate(file, 1):
            yield number, line.rstrip("\n")


def read_text(path: Path) -> str:
    """Read the text of a UTF-8 file, with its line ends as they are.

    A file whose name ends in ".gz" is decompressed.

    Raises:
        ValueError: If the file is not UTF-8 text.
        ValueError: If its name ends in ".gz", but it is not a gzip file, or a truncated one.
    """
    with _opened(path, newline="") as file:
        return file.read()


@contextmanager
def _opened(path: Path, newline: str | None) -> Iterator[TextIO]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline=newline) as file:
            yield file
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read ({error}): expected UTF-8 text, compressed with gzip if "
            "the name ends in .gz"
        ) from error


def read_texts(path: Path, lines: bool = False) -> list[str]:
    """Read the paragraphs of a UTF-8 file, which blank lines separate, without the white space
    around them.

    Args:
        path: The file.
        lines: Whether to read its lines instead. Blank ones are left out.

    Raises:
        ValueError: If the file is not UTF-8 text.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file as "
            "UTF-8, for instance with `iconv -f latin1 -t utf-8`"
        ) from error
    parts = re.split(r"\r?\n" if lines else r"\r?\n(?:[^\S\n]*\n)+", text)
    return [part.strip() for part in parts if part.strip()]
