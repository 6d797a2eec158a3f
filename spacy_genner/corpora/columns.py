"""Column files (CoNLL): one token a line, a blank line after each sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..files.text_files import numbered_lines
from .tags import Chunk, Tag, chunks, parse_tag

_GAP = re.compile(" +")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold what. Columns are counted from 0, or from the right with -1 as the last.

    Attributes:
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

    Attributes:
        place: The file, or file and record.
        lines: For each token the number of the line in the file, or its own number in the record,
            from 1.
    """

    place: str
    lines: Sequence[int]
    chunks: list[Chunk]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A tagged sentence.

    Attributes:
        place: File, and line or index.
        spaces: Whether white space follows each word.
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
    """The sentences of a file. Columns are separated by tabs or, in a line without a tab, by
    spaces.

    Lines of white space and `-DOCSTART-` end a sentence. `SpaceAfter=No` in the last column, as in
    CoNLL-U: no space follows.

    Raises:
        ValueError: For a line with too few columns, or with something else than a tag in a tag
            column, and for a file without sentences.
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
                    f"{path}:{number}: {error}; if this is a comment, say how comments start"
                ) from error
        elif rows:
            sentences.append(_sentence(path, rows, layout))
            rows = []
    if rows:
        sentences.append(_sentence(path, rows, layout))
    if not sentences:
        raise ValueError(
            f"{path} has no sentence: expected a token a line, and a blank line after each sentence"
        )
    return sentences


def _row(number: int, line: str, layout: Layout) -> _Row:
    cells = line.split("\t") if "\t" in line else _GAP.split(line)
    try:
        word, *tags = [cells[column] for column in (layout.token, *layout.tags)]
    except IndexError as error:
        columns = ", ".join(map(str, (layout.token, *layout.tags)))
        raise ValueError(
            f"columns {columns} are wanted, counted from 0, but the line has {len(cells)}"
        ) from error
    return _Row(number, word, "SpaceAfter=No" not in cells[-1], [parse_tag(tag) for tag in tags])


def _sentence(path: Path, rows: list[_Row], layout: Layout) -> Sentence:
    lines = [row.line for row in rows]
    levels = [
        Level(str(path), lines, chunks(row.tags[level] for row in rows))
        for level in range(len(layout.tags))
    ]
    return Sentence(
        f"{path}:{lines[0]}", [row.word for row in rows], [row.space for row in rows], levels
    )


def merge_files(files: Sequence[Sequence[Sentence]]) -> list[Sentence]:
    """The sentences of files that annotate the same text, each with the levels of all files.

    Args:
        files: Each with at least one sentence.

    Raises:
        ValueError: Where a file has other words than the first one.
    """
    for file in files:
        if len(file) != len(files[0]):
            raise ValueError(
                f"files of the same text must have as many sentences, not {len(files[0])} from "
                f"{files[0][0].place} on, "
                f"and {len(file)} from {file[0].place} on"
            )
    return [_merge(sentences) for sentences in zip(*files, strict=True)]


def _merge(sentences: tuple[Sentence, ...]) -> Sentence:
    first = sentences[0]
    for other in sentences:
        if other.words != first.words:
            raise ValueError(
                f"files of the same text must have the same words: {first.place} and "
                f"{other.place} differ"
            )
    return replace(first, levels=[level for sentence in sentences for level in sentence.levels])
