"""The files of an input, and whether they are still what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..files.text_files import is_gzip

TEXT, JSON_LINES, TABLE = (".txt",), (".jsonl", ".ndjson"), (".csv", ".tsv")
PARQUET, SPACY = (".parquet",), (".spacy",)
KNOWN = (*TEXT, *JSON_LINES, *TABLE, *PARQUET, *SPACY)
"""The suffixes of the files that are read in a folder."""

_SAMPLE = 1 << 20
"""At most how many bytes of either end of a file count for its digest."""


class InputFile(NamedTuple):
    """A file as it was when a run began.

    Attributes:
        path: The file.
        size: Its size in bytes.
        digest: The SHA-256 of its beginning and its end.
    """

    path: Path
    size: int
    digest: str

    @classmethod
    def of(cls, path: Path) -> InputFile:
        """Return a file as it is now.

        Raises:
            OSError: If it cannot be read.
        """
        size = path.stat().st_size
        return cls(path, size, digest(path, size))

    @property
    def suffix(self) -> str:
        """The suffix of the name, in small letters, without the ".gz" of a compressed file."""
        name = self.path.name.lower()
        return Path(name.removesuffix(".gz")).suffix

    @property
    def can_grow(self) -> bool:
        """Whether a beginning of the file can be read as if it were all of it."""
        return not is_gzip(self.path) and self.suffix not in (*PARQUET, *SPACY)

    def check(self) -> None:
        """Check that what the run reads of the file has not changed.

        Raises:
            ValueError: If it has.
            OSError: If the file cannot be read.
        """
        size = self.path.stat().st_size
        grown = size > self.size and self.can_grow
        if (size != self.size and not grown) or digest(self.path, self.size) != self.digest:
            raise ValueError(
                f"{self.path} is not what it was when the run began: give another output folder"
            )


def digest(path: Path, size: int) -> str:
    """Return the SHA-256 of the beginning and the end of the first `size` bytes of a file."""
    sha256 = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        sha256.update(file.read(min(size, _SAMPLE)))
        file.seek(max(size - _SAMPLE, 0))
        sha256.update(file.read(min(size, _SAMPLE)))
    return sha256.hexdigest()


def files_of(path: Path) -> list[InputFile]:
    """Return a file, or the files of a folder that can be read, by name.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If the folder has no such file.
        ValueError: If the file is a pipe, which cannot be read again by a later run, or an array in
            JSON.
    """
    if path.is_dir():
        files = [InputFile.of(each) for each in paths_in(path)]
        if not files:
            raise ValueError(f"{path} has no file whose name ends in {', '.join(KNOWN)}")
        return files
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file: give - as the input, and pipe it to the command")
    file = InputFile.of(path)
    if file.suffix == ".json":
        raise ValueError(f"{path}: expected one object per line, in a file with the suffix .jsonl")
    return [file]


def paths_in(folder: Path) -> list[Path]:
    """Return the files of a folder, and of the folders in it, whose suffixes are known, by name.
    Hidden ones are left out, as well as those whose names begin with "_", such as what a run writes
    beside its parts."""
    found = list[Path]()
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        suffix = Path(path.name.lower().removesuffix(".gz")).suffix
        if suffix in KNOWN and not hidden and path.is_file():
            found.append(path)
    return found


def combined(files: Sequence[InputFile], root: Path) -> str:
    """Return a digest of files and of their names below a folder."""
    names = [f"{file.path.relative_to(root).as_posix()} {file.digest}\n" for file in files]
    return hashlib.sha256("".join(names).encode()).hexdigest()
