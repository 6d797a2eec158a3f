"""Reading text files as users have them: compressed or not, with a byte order mark or without."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO


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


def is_gzip(path: Path) -> bool:
    """Return whether the name of a file says that it is compressed with gzip."""
    return path.suffix.lower() == ".gz"


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
    opened = gzip.open if is_gzip(path) else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline=newline) as file:
            yield file
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read ({error}): expected UTF-8 text, compressed with gzip if "
            "the name ends in .gz"
        ) from error


def as_found(file: BinaryIO) -> TextIO:
    """Return the text of a binary stream, with its line ends, of which only "\\n" ends a line.

    Bytes that are not UTF-8 become lone surrogates (`surrogateescape`, PEP 383), so that they spoil
    the lines that they are in and no others; see `undecoded`.
    """
    return TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="\n")


@contextmanager
def opened_as_found(path: Path, size: int) -> Iterator[TextIO]:
    """Provide the text of a file `as_found`, of which only the first `size` bytes are read: what is
    appended meanwhile does not count.

    A file whose name ends in ".gz" is decompressed, all of it.

    Raises:
        ValueError: If its name ends in ".gz", but it is not a gzip file, or a truncated one.
    """
    try:
        with path.open("rb", buffering=0) as raw:
            beginning = BufferedReader(Beginning(raw, size))
            file: Any = gzip.GzipFile(fileobj=beginning) if is_gzip(path) else beginning
            with as_found(file) as text:
                yield text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read to its end ({error}): expected a file compressed with gzip, as "
            "the name ends in .gz"
        ) from error


class Beginning(RawIOBase):
    """The first bytes of a file.

    Args:
        file: The file, unbuffered.
        size: The number of bytes.
    """

    def __init__(self, file: RawIOBase, size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Fill a buffer with the next bytes, and return how many there were."""
        count = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= count or 0
        return count


def undecoded(text: str) -> str:
    """Return what is wrong with a text that was read `as_found`; empty if nothing is."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) & 0xFF
        return (
            f"byte 0x{byte:02x} is not UTF-8: save the file as UTF-8, for instance with `iconv -f "
            "latin1 -t utf-8`"
        )
    return ""


def printable(text: str) -> str:
    """Return a text that was read `as_found` with escapes such as `\\xe4` for bytes that are not
    UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def paragraphs(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of a text, which blank lines separate, without the white space around
    them; each with the number of its first line, from 1."""
    paragraph, start = list[str](), 1
    for number, line in enumerate(chain(lines, [""]), 1):
        if line.strip():
            start = start if paragraph else number
            paragraph.append(line)
        elif paragraph:
            yield start, "".join(paragraph).strip()
            paragraph = []
