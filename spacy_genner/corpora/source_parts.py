"""How a part of a known corpus is made of the files of its source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..files.text_files import present
from .columns import Layout
from .conversion import Output, convert_columns, convert_json, convert_records
from .conversion_report import Report
from .offsets import Alignment
from .record import Record

EVERY_FIFTH = (
    "no official one: every fifth document, beginning with the first, is for testing, and all "
    "others are for training; those that follow a test document can be held out for development"
)


@dataclass(frozen=True, slots=True)
class ColumnFiles:
    """A part of a corpus in column files.

    Attributes:
        names: The files, relative to the folder of the corpus, plain or compressed (`.gz`).
        merge: Whether they annotate the same text, one file for each label, instead of following
            one another.
    """

    names: Sequence[str]
    merge: bool = False

    def convert(
        self, folder: Path, nlp: Language, output: Output, alignment: Alignment
    ) -> tuple[list[Doc], Report]:
        """Convert the part. The tokens are those of the files: nothing has to be aligned."""
        paths = [present(folder / name) for name in self.names]
        return convert_columns(paths, nlp, output, Layout(), scheme=None, merge=self.merge)


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A part of a corpus in a file of JSON lines.

    Attributes:
        name: The file, relative to the folder of the corpus, plain or compressed (`.gz`).
    """

    name: str

    def convert(
        self, folder: Path, nlp: Language, output: Output, alignment: Alignment
    ) -> tuple[list[Doc], Report]:
        """Convert the part."""
        return convert_json([present(folder / self.name)], nlp, output, alignment)


@dataclass(frozen=True, slots=True)
class Documents:
    """A part of a corpus of whole documents.

    Attributes:
        read: Reads the documents from the folder of the corpus.
        fifths: Which documents of every five belong to the part, counted from 0.
    """

    read: Callable[[Path], Sequence[Record]]
    fifths: Sequence[int] = (0, 1, 2, 3, 4)

    def convert(
        self, folder: Path, nlp: Language, output: Output, alignment: Alignment
    ) -> tuple[list[Doc], Report]:
        """Convert the part."""
        records = self.read(folder)
        chosen = [record for number, record in enumerate(records) if number % 5 in self.fifths]
        return convert_records(chosen, nlp, output, alignment)


Part = ColumnFiles | JsonFile | Documents


def by_fifths(read: Callable[[Path], Sequence[Record]]) -> dict[str, Part]:
    """Divide a corpus that has no official split: `train` consists of `dev` and `fit`."""
    return {
        "train": Documents(read, (1, 2, 3, 4)),
        "fit": Documents(read, (2, 3, 4)),
        "dev": Documents(read, (1,)),
        "test": Documents(read, (0,)),
    }
