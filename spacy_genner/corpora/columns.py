"""Column files (CoNLL): one token a line, a blank line after each sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .files import numbered_lines
from .tags import Chunk, Tag, chunks, parse_tag

_GAP = re.compile(" +")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold what. Columns are counted from 0, or from the right with -1 as the last.

    token: The column of the token.
    tags: The columns of tags, one for each level of nesting.
    comment: What a comment line starts with; empty if the file has none.
    """

    token: int = 0
    tags: tuple[int, ...] = (-1,)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """The entities of one tag column of one file.

    lines: For each token the number of the line where its tag stands.
    """

    path: Path
    lines: Sequence[int]
    chunks: list[Chunk]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a column file; `spaces` tells whether white space follows each word."""

    words: list[str]
    spaces: list[bool]
    levels: list[Level]

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.levels[0].path}:{self.levels[0].lines[0]}"


class _Row(NamedTuple):
    line: int
    word: str
    space: bool
    tags: list[Tag]


def read_columns(path: Path, layout: Layout) -> list[Sentence]:
    """The sentences of a file. Columns are separated by tabs or, in a line without a tab, by spaces.

    Lines of white space and `-DOCSTART-` end a sentence. `SpaceAfter=No` in the last column, as in CoNLL-U: no space
    follows.

    Raises: ValueError for a line with too few columns, or with something else than a tag in a tag column.
    """
    sentences: list[Sentence] = []
    rows: list[_Row] = []
    for number, line in numbered_lines(path):
        if layout.comment and line.startswith(layout.comment):
            continue
        if line.strip() and not line.startswith("-DOCSTART-"):
            try:
                rows.append(_row(number, line, layout))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}; if this is a comment, say how comments start") from error
        elif rows:
            sentences.append(_sentence(path, rows, layout))
            rows = []
    return [*sentences, _sentence(path, rows, layout)] if rows else sentences


def _row(number: int, line: str, layout: Layout) -> _Row:
    cells = line.split("\t") if "\t" in line else _GAP.split(line)
    try:
        word, *tags = [cells[column] for column in (layout.token, *layout.tags)]
    except IndexError as error:
        columns = ", ".join(map(str, (layout.token, *layout.tags)))
        raise ValueError(f"columns {columns} are wanted, counted from 0, but the line has {len(cells)}") from error
    return _Row(number, word, "SpaceAfter=No" not in cells[-1], [parse_tag(tag) for tag in tags])


def _sentence(path: Path, rows: list[_Row], layout: Layout) -> Sentence:
    lines = [row.line for row in rows]
    levels = [Level(path, lines, chunks(row.tags[level] for row in rows)) for level in range(len(layout.tags))]
    return Sentence([row.word for row in rows], [row.space for row in rows], levels)


def merge_files(files: Sequence[Sequence[Sentence]]) -> list[Sentence]:
    """The sentences of files that annotate the same text, each with the levels of all files.

    Raises: ValueError where a file has other words than the first one.
    """
    for file in files:
        if len(file) != len(files[0]):
            raise ValueError(f"files of the same text must have as many sentences, not {len(files[0])} and {len(file)}")
    return [_merge(sentences) for sentences in zip(*files, strict=True)]


def _merge(sentences: tuple[Sentence, ...]) -> Sentence:
    first = sentences[0]
    for other in sentences:
        if other.words != first.words:
            raise ValueError(f"files of the same text must have the same words: {first.place} and {other.place} differ")
    return Sentence(first.words, first.spaces, [level for sentence in sentences for level in sentence.levels])
