"""Column files (CoNLL): each line has a token, and a blank line ends a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ..files.text_files import numbered_lines
from .tags import Chunk, Tag, chunks, parse_tag

_GAP = re.compile(" +")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds what. Columns are counted from 0, or from the right with -1 as the last.

    Attributes:
        token: The column of the token.
        tags: The columns of tags, one for each level of nesting.
        comment: How a comment line starts; empty if the file has none.
    """

    token: int = 0
    tags: tuple[int, ...] = (-1,)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """The entities of one tag column of a sentence.

    Attributes:
        place: The file, or the file and record.
        lines: The place of each token, from 1: the number of its line in the file, or its own
            number in the record.
        chunks: The entities.
    """

    place: str
    lines: Sequence[int]
    chunks: list[Chunk]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A tagged sentence.

    Attributes:
        place: The file, and the line or the index in it.
        words: The words.
        spaces: Whether white space follows each word.
        levels: The entities of each tag column.
    """

    place: str
    words: list[str]
    spaces: list[bool]
    levels: list[Level]


class _Row(NamedTuple):
    line: int
    word: str
    space: bool
    tags: list[Tag]


def read_columns(path: Path, layout: Layout) -> list[Sentence]:
    """Read the sentences of a file.

    Columns are separated by tabs or, in a line without a tab, by spaces. Lines of white space and
    `-DOCSTART-` end a sentence. `SpaceAfter=No` in the last column means, as in CoNLL-U, that no
    space follows the token.

    Raises:
        ValueError: If a line has too few columns; the error names the line.
        ValueError: If there is something other than a tag in a tag column.
        ValueError: If the file has no sentences.
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
                raise ValueError(
                    f"{path}:{number}: {error}; if the line is a comment, say how comments "
                    "start with --comment"
                ) from error
        elif rows:
            sentences.append(_sentence(path, rows, layout))
            rows = []
    if rows:
        sentences.append(_sentence(path, rows, layout))
    if not sentences:
        raise ValueError(
            f"{path} has no sentence: expected a token in each line, and a blank line after each "
            "sentence"
        )
    return sentences


def _row(number: int, line: str, layout: Layout) -> _Row:
    cells = line.split("\t") if "\t" in line else _GAP.split(line)
    try:
        word, *tags = [cells[column] for column in (layout.token, *layout.tags)]
    except IndexError as error:
        columns = ", ".join(map(str, (layout.token, *layout.tags)))
        raise ValueError(
            f"columns {columns} are wanted, counted from 0, but the line has {len(cells)} columns"
        ) from error
    return _Row(number, word, "SpaceAfter=No" not in cells[-1], [parse_tag(tag) for tag in tags])


def _sentence(path: Path, rows: list[_Row], layout: Layout) -> Sentence:
    lines = [row.line for row in rows]
    levels = [
        Level(str(path), lines, chunks(row.tags[level] for row in rows))
        for level in range(len(layout.tags))
    ]
    words = [row.word for row in rows]
    spaces = [row.space for row in rows]
    return Sentence(f"{path}:{lines[0]}", words, spaces, levels)


def merge_files(files: Sequence[Sequence[Sentence]]) -> list[Sentence]:
    """Merge files that annotate the same text, so that each sentence has the levels of all files.

    Args:
        files: The sentences of each file; at least one sentence in each.

    Raises:
        ValueError: If the files have different numbers of sentences.
        ValueError: If a file has other words than the first one.
    """
    first = files[0]
    for file in files:
        if len(file) != len(first):
            raise ValueError(
                f"files of the same text must have the same number of sentences: there are "
                f"{len(first)} from {first[0].place} on, but {len(file)} from {file[0].place} on"
            )
    return [_merge([file[i] for file in files]) for i in range(len(first))]


def _merge(sentences: Sequence[Sentence]) -> Sentence:
    first = sentences[0]
    for other in sentences:
        if other.words != first.words:
            raise ValueError(
                f"files of the same text must have the same words: {first.place} and "
                f"{other.place} differ"
            )
    levels = chain.from_iterable(sentence.levels for sentence in sentences)
    return replace(first, levels=list(levels))
