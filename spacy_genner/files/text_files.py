"""Reading text files as they are found: compressed or not, with a byte order mark or without."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, `.gz` or plain, with their numbers from 1 and without their line
    ends.

    Raises:
        ValueError: If the file is not UTF-8 text, or not the gzip file that its name promises.
    """
    with _opened(path, newline=None) as file:
        for number, line in enumerate(file, 1):
            yield number, line.rstrip("\n")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, `.gz` or plain, with its line ends as they are.

    Raises:
        ValueError: As `numbered_lines` does.
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
            f"{path} cannot be read ({error}): expected UTF-8 text, compressed if named .gz"
        ) from error


def read_texts(path: Path, lines: bool = False) -> list[str]:
    """The paragraphs of a text file, which blank lines separate, or its lines; without white space
    around them.

    Raises:
        ValueError: For bytes that are not UTF-8.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file as "
            "UTF-8, "
            f"for instance with `iconv -f latin1 -t utf-8`"
        ) from error
    parts = re.split(r"\r?\n" if lines else r"\r?\n(?:[^\S\n]*\n)+", text)
    return [part.strip() for part in parts if part.strip()]
