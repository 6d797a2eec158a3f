"""How a part of a known corpus is made of the files of its source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path

from ..files.text_files import present
from .columns import Layout, Sentence, merge_files, read_columns
from .json_lines import Item
from .record import LeftOut

Reader = Callable[[Path], Sequence[Item]]
"""Reads a part of a corpus from the folder of the corpus."""
DocumentReader = Callable[[Path], Sequence[Sequence[Item]]]
"""Reads the documents of a corpus from its folder, each as the records or sentences of it."""

EVERY_FIFTH = (
    "no official one: every fifth document, beginning with the first, is for testing, and all "
    "others are for training; those that follow a test document can be held out for development"
)
NO_DEV = (
    "without a part for development: every fifth training document, beginning with the first, can "
    "be held out for it"
)


def columns(*names: str, layout: Layout | None = None, merge: bool = False) -> Reader:
    """Return a reader of column files.

    Args:
        names: The files, relative to the folder of the corpus, plain or compressed (`.gz`).
        layout: The columns of the files; None for a token first and one tag last.
        merge: Whether they annotate the same text, one file for each label, instead of following
            one another.
    """

    def read(folder: Path) -> list[Sentence]:
        files = [read_columns(present(folder / name), layout or Layout()) for name in names]
        return merge_files(files) if merge else list(chain.from_iterable(files))

    return read


def each(read: Reader) -> DocumentReader:
    """Return a reader for which each record or sentence is a document of its own."""
    return lambda folder: [[item] for item in read(folder)]


def fifths(read: DocumentReader, numbers: Collection[int]) -> Reader:
    """Return a reader of some of every five documents.

    Args:
        read: Reads all documents.
        numbers: Which documents of every five are read, counted from 0.
    """

    def chosen(folder: Path) -> list[Item]:
        documents = enumerate(read(folder))
        return list(chain.from_iterable(document for i, document in documents if i % 5 in numbers))

    return chosen


def by_fifths(read: DocumentReader) -> dict[str, Reader]:
    """Divide a corpus that has no official split: `train` consists of `dev` and `fit`."""
    return {
        "train": fifths(read, (1, 2, 3, 4)),
        "fit": fifths(read, (2, 3, 4)),
        "dev": fifths(read, (1,)),
        "test": fifths(read, (0,)),
    }


def with_dev(read: DocumentReader, test: Reader) -> dict[str, Reader]:
    """Divide a corpus whose split has no development part: `train` consists of `dev` and `fit`.

    Args:
        read: Reads the documents for training.
        test: Reads the test part.
    """
    return {
        "train": fifths(read, range(5)),
        "fit": fifths(read, (1, 2, 3, 4)),
        "dev": fifths(read, (0,)),
        "test": test,
    }


def without(read: Reader, *others: Reader) -> Reader:
    """Return a reader of a training part that leaves out the texts that other parts have, too."""

    def kept(folder: Path) -> list[Item]:
        return leave_out(read(folder), chain.from_iterable(other(folder) for other in others))

    return kept


def leave_out(items: Iterable[Item], others: Iterable[Item]) -> list[Item]:
    """Leave out the items whose texts other items have, too.

    Texts that only differ in white space count as the same.
    """
    held_out = set(map(_bare, others))
    return [
        LeftOut(item.place, "its text is in another part, too") if _bare(item) in held_out else item
        for item in items
    ]


def _bare(item: Item) -> str:
    """Return the text of an item without white space; empty if it is left out already."""
    match item:
        case LeftOut():
            return ""
        case Sentence():
            words: Sequence[str] = item.words
        case _:
            words = item.tokens if item.text is None else [item.text]
    return "".join("".join(words).split())
