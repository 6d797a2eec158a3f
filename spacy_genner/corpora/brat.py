"""brat standoff: a text in NAME.txt, its annotations with character offsets in NAME.ann."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from .files import read_text
from .json_lines import Record
from .report import Report

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
_SPAN = re.compile(r"T\S+\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")
_OTHER = re.compile(r"[REAMN]\d\S*\t|\*\t|#")


class Pair(NamedTuple):
    """The two files of a document."""

    text: Path
    annotations: Path


class _Mark(NamedTuple):
    line: int
    label: str
    parts: list[tuple[int, int]]
    text: str

    @property
    def extent(self) -> tuple[int, int]:
        return self.parts[0][0], self.parts[-1][1]

    def fault(self, text: str) -> str:
        """Why this is no span of the text; empty if it is one."""
        if any(not start <= end <= len(text) for start, end in self.parts):
            return "offsets out of range"
        if any(end > start or text[end:start].strip() for (_, end), (start, _) in pairwise(self.parts)):
            return "discontinuous"
        return "" if _bare(text[slice(*self.extent)]) == _bare(self.text) else "text differs"


def find_pairs(paths: Sequence[Path]) -> list[Pair]:
    """The documents of folders, with all folders inside them, and of files, of which one of each pair is enough.

    Raises: ValueError for a file without its partner, for a file of another kind, and for a folder without documents.
    """
    names: dict[Path, None] = {}
    for path in paths:
        files = [file for file in sorted(path.rglob("*")) if file.is_file()] if path.is_dir() else [path]
        found = [file.with_name(match[1]) for file in files if (match := _NAME.fullmatch(file.name))]
        if not found:
            raise ValueError(f"{path}: expected NAME.txt or NAME.ann, plain or .gz, or a folder with such files")
        names.update(dict.fromkeys(found))
    return [Pair(_file(name, "txt"), _file(name, "ann")) for name in names]


def _file(name: Path, suffix: str) -> Path:
    plain = name.with_name(f"{name.name}.{suffix}")
    for file in (plain, plain.with_name(f"{plain.name}.gz")):
        if file.is_file():
            return file
    raise ValueError(
        f"{plain} is missing: each NAME.txt needs a NAME.ann, and the other way round; make an empty .ann for a text "
        "without annotations, or name the files instead of their folder to leave others out"
    )


def read_pair(pair: Pair, report: Report) -> Record:
    """The text of a document and its spans. What is no span of the text is lost, what is no span at all is counted.

    brat cuts a span at line ends and tabs: parts with only white space between them are joined. Whether offsets count
    CRLF as two characters, as brat does, or as one, is taken from the texts of the annotations.

    Raises: ValueError for a line that is no annotation, with its place.
    """
    marks = _marks(pair.annotations, report)
    raw = read_text(pair.text)
    text = max((raw, raw.replace("\r\n", "\n")), key=lambda reading: sum(not mark.fault(reading) for mark in marks))
    if text != raw:
        report.change("CRLF read as one character", str(pair.text))
    spans = []
    for mark in marks:
        in_text = text[slice(*mark.extent)]
        place = f"{pair.annotations}:{mark.line} {mark.label} {mark.parts} {mark.text!r}, in the text {in_text!r}"
        if fault := mark.fault(text):
            report.read += 1
            report.lose(fault, place)
            continue
        if len(mark.parts) > 1:
            report.change("parts joined", place)
        spans.append((*mark.extent, mark.label))
    return Record(str(pair.annotations), text, [], spans)


def _marks(path: Path, report: Report) -> list[_Mark]:
    marks = []
    # Texts of annotations hold the CR of a CRLF that they go across: only LF ends a line.
    for number, line in enumerate(re.split("\r?\n", read_text(path)), 1):
        if match := _SPAN.fullmatch(line):
            label, offsets, text = match.groups()
            parts = [(int(start), int(end)) for start, end in (part.split(" ") for part in offsets.split(";"))]
            marks.append(_Mark(number, label, parts, text))
        elif _OTHER.match(line):
            report.ignored[KINDS[line[0]]] += 1
        elif line.strip():
            raise ValueError(
                f"{path}:{number}: {line!r} is no annotation: expected T1, a tab, a label and offsets (LOC 0 5, or "
                "LOC 0 5;8 12), a tab and their text; or R1, E1, A1, M1, N1 or *, and a tab; or #"
            )
    return marks


def _bare(text: str) -> str:
    return "".join(text.split())
