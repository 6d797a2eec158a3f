"""Reading text files as they are found: compressed or not, with a byte order mark or without."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, `.gz` or plain, with their numbers from 1 and without their line ends.

    Raises: ValueError if the file is not UTF-8 text, or not the gzip file that its name promises.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip("\n")
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): expected UTF-8 text, compressed if named .gz") from error
