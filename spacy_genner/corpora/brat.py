"""brat standoff: a text in NAME.txt, its annotations with character offsets in NAME.ann."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
"""Annotations that are no spans, by the first character of their line."""

_NAME = re.compile(r"(.+)\.(?:txt|ann)(?:\.gz)?")
_PART = "[0-9]{1,15} [0-9]{1,15}"
_SPAN = re.compile(rf"T\S+\t(\S+) ({_PART}(?:;{_PART})*)\t(.*)")
_OTHER = re.compile(r"[REAMN]\d\S*\t|\*\t|#")


class FilePair(NamedTuple):
    """The two files of a document."""

    text: Path
    annotations: Path


def find_pairs(paths: Sequence[Path]) -> list[FilePair]:
    """The documents of folders, with all folders inside them, and of files, of which one of each
    pair is enough.

    Raises:
        ValueError: For a file without its partner, for a file of another kind, and for a folder
            without documents.
    """
    names: dict[Path, None] = {}
    for path in paths:
        files = (
            [file for file in sorted(path.rglob("*")) if file.is_file()]
            if path.is_dir()
            else [path]
        )
        found = [
            file.with_name(match[1]) for file in files if (match := _NAME.fullmatch(file.name))
        ]
        if not found:
            raise ValueError(
                f"{path}: expected NAME.txt or NAME.ann, plain or .gz, or a folder with such files"
            )
        names.update(dict.fromkeys(found))
    return [FilePair(_file(name, "txt"), _file(name, "ann")) for name in names]


def _file(name: Path, suffix: str) -> Path:
    plain = name.with_name(f"{name.name}.{suffix}")
    for file in (plain, plain.with_name(f"{plain.name}.gz")):
        if file.is_file():
            return file
    raise ValueError(
        f"{plain} is missing: each NAME.txt needs a NAME.ann, and the other way round; make an "
        "empty .ann for a text "
        "without annotations, or name the files instead of their folder to leave others out"
    )


def read_pair(pair: FilePair) -> Record:
    """The text of a document, with its spans. brat cuts a span at line ends and tabs into parts.

    Raises:
        ValueError: For a line that is no annotation, with its place.
    """
    path, spans, ignored = pair.annotations, list[RawSpan](), list[str]()
    # Texts of annotations hold the CR of a CRLF that they go across: only LF ends a line.
    for number, line in enumerate(re.split("\r?\n", read_text(path)), 1):
        if match := _SPAN.fullmatch(line):
            label, offsets, text = match.groups()
            edges = [map(int, part.split(" ")) for part in offsets.split(";")]
            parts = tuple((start, end) for start, end in edges)
            spans.append(RawSpan(f"{path}:{number}", label, parts, (text,)))
        elif _OTHER.match(line):
            ignored.append(KINDS[line[0]])
        elif line.strip():
            raise ValueError(
                f"{path}:{number}: {line!r:.80} is no annotation: expected T1, a tab, a label and "
                "offsets (LOC 0 5, or "
                "LOC 0 5;8 12), a tab and their text; or R1, E1, A1, M1, N1 or *, and a tab; or #"
            )
    return Record(str(path), read_text(pair.text), [], spans, ignored=tuple(ignored))
