"""brat standoff: a text in NAME.txt, and its annotations with character offsets in NAME.ann."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..files.text_files import read_text
from .record import RawSpan, Record

KINDS = {
    "R": "relations",
    "E": "events",
    "A": "attributes",
    "M": "modifications",
    "N": "normalisations",
    "#": "notes",
    "*": "equivalences",
}
"""The annotations that are not spans, by the first character of their line."""

_NAME = re.compile(r"(.+)\.(?:txt|ann)(?:\.gz)?")
_PART = "[0-9]{1,15} [0-9]{1,15}"
_SPAN = re.compile(rf"T\S+\t(\S+) ({_PART}(?:;{_PART})*)\t(.*)")
_OTHER = re.compile(r"[REAMN]\d\S*\t|\*\t|#")


class FilePair(NamedTuple):
    """The two files of a document."""

    text: Path
    annotations: Path


def find_pairs(paths: Sequence[Path]) -> list[FilePair]:
    """Return the documents in folders, including all folders inside them, and in files.

    Args:
        paths: Folders and files. One file of a pair is enough.

    Raises:
        ValueError: If a file has no partner.
        ValueError: If a file is of another kind.
        ValueError: If a folder has no documents.
    """
    names: dict[Path, None] = {}
    for path in paths:
        found = dict.fromkeys(_names(path))
        if not found:
            raise ValueError(
                f"{path}: expected NAME.txt or NAME.ann, plain or .gz, or a folder with such files"
            )
        names |= found
    return [FilePair(_file(name, "txt"), _file(name, "ann")) for name in names]


def _names(path: Path) -> Iterator[Path]:
    """Yield the paths of documents, without suffix, for each of their files."""
    files = filter(Path.is_file, sorted(path.rglob("*"))) if path.is_dir() else [path]
    for file in files:
        if match := _NAME.fullmatch(file.name):
            yield file.with_name(match[1])


def _file(name: Path, suffix: str) -> Path:
    plain = name.with_name(f"{name.name}.{suffix}")
    for file in (plain, plain.with_name(f"{plain.name}.gz")):
        if file.is_file():
            return file
    raise ValueError(
        f"{plain} is missing: each NAME.txt needs a NAME.ann, and the other way round; make an "
        "empty .ann for a text without annotations, or name the files instead of their folder to "
        "leave others out"
    )


def read_pair(pair: FilePair) -> Record:
    """Read the text of a document, with its spans.

    brat cuts a span at line ends and tabs: such a span has several parts.

    Raises:
        ValueError: If a line is not an annotation; the error names the line.
    """
    path = pair.annotations
    spans, ignored = list[RawSpan](), list[str]()
    # The text of a span that goes across a CRLF holds the CR: a CR alone does not end a line.
    for number, line in enumerate(re.split("\r?\n", read_text(path)), 1):
        if match := _SPAN.fullmatch(line):
            label, offsets, text = match.groups()
            spans.append(RawSpan(f"{path}:{number}", label, _parts(offsets), (text,)))
        elif _OTHER.match(line):
            ignored.append(KINDS[line[0]])
        elif line.strip():
            raise ValueError(
                f"{path}:{number}: {line!r:.80} is not an annotation: expected T1, a tab, a label "
                "and offsets (LOC 0 5, or LOC 0 5;8 12), a tab and their text; or R1, E1, A1, M1, "
                "N1 or *, and a tab; or #"
            )
    return Record(str(path), read_text(pair.text), [], spans, ignored=tuple(ignored))


def _parts(offsets: str) -> tuple[tuple[int, int], ...]:
    """Return the parts of a span, such as ((0, 5), (8, 12)) of "0 5;8 12"."""
    parts = []
    for part in offsets.split(";"):
        start, end = part.split(" ")
        parts.append((int(start), int(end)))
    return tuple(parts)
