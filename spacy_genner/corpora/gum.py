"""GUM, read from its files in WebAnno's TSV format."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import chain, groupby
from pathlib import Path

from ..files.text_files import numbered_lines, present
from .record import Record, raw_span
from .source_files import extracted, matching

CC_BY = ("academic", "court", "interview", "news")
"""The types of text whose licence asks for attribution only."""
SHARE_ALIKE = ("bio", "voyage")
"""The types of text, from Wikipedia and Wikivoyage, whose licence is CC BY-SA."""

_MENTION = re.compile(r"([^\[\]|]+)\[\d+\]")


def read_gum(folder: Path, part: str, types: Collection[str] = CC_BY + SHARE_ALIKE) -> list[Record]:
    """Read the sentences of a part, in the order of the names of its documents.

    Args:
        folder: Holds the division into parts, `splits.md`, and the documents either in
            `coref/gum/tsv/`, as in the repository, or in the archive `gum.tar.gz` of that folder.
        part: "train", "dev" or "test".
        types: The types of text to read, such as "news". Documents of other types are skipped.

    Raises:
        ValueError: If the archive is damaged, or has no documents.
        ValueError: If a line is not in the format; the error names it.
    """
    parts = _parts(present(folder / "splits.md"))
    with extracted(folder, "coref", "gum.tar.gz") as files:
        documents = matching(files / "coref" / "gum" / "tsv", "GUM_*_*.tsv")
        read = (
            read_webanno(path)
            for path in documents
            if path.stem.split("_")[1] in types and parts.get(path.stem, "train") == part
        )
        return list(chain.from_iterable(read))


def _parts(splits: Path) -> dict[str, str]:
    """Return the part of each document that is listed: all others are for training."""
    parts, part = dict[str, str](), ""
    for _, line in numbered_lines(splits):
        match line.split():
            case ["##", part]:
                pass
            case ["*", name]:
                parts[name] = part
    return parts


def read_webanno(path: Path) -> Iterator[Record]:
    """Yield the sentences of a file in WebAnno's TSV format, version 3.

    A row has the number of the token, its offsets, the token and its mentions, such as
    `place[9]|person[10]`: the tokens of a mention repeat its number.

    Raises:
        ValueError: If a row has too few columns, or a mention without a number.
    """
    lines = [(number, line) for number, line in numbered_lines(path) if not line.startswith("#")]
    for blank, rows in groupby(lines, lambda line: not line[1].strip()):
        if not blank:
            yield _sentence(path, list(rows))


def _sentence(path: Path, rows: list[tuple[int, str]]) -> Record:
    tokens, extents = list[str](), dict[str, tuple[int, int]]()
    for i, (number, row) in enumerate(rows):
        match row.split("\t"):
            case [_, _, token, mentions, *_]:
                tokens.append(token)
            case _:
                raise ValueError(f"{path}:{number}: {row!r:.80} has too few columns: expected 4")
        for mention in mentions.split("|") if mentions != "_" else ():
            if not _MENTION.fullmatch(mention):
                raise ValueError(
                    f"{path}:{number}: {mention!r:.40} is not a mention: expected a label and a "
                    "number in brackets, such as place[9]"
                )
            extents[mention] = extents.get(mention, (i, i))[0], i + 1
    place = f"{path}:{rows[0][0]}"
    spans = [
        raw_span(place, start, end, mention.partition("[")[0])
        for mention, (start, end) in extents.items()
    ]
    return Record(place, None, tokens, spans)
