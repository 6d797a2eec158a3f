"""Tables in .csv and .tsv files, whose first row names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..files.text_files import opened_as_found, printable, undecoded
from .input_files import InputFile
from .readers import Broken, Item

_LONGEST = 1 << 24
"""At most how many characters a cell may have. A quote that is never closed would otherwise make
one cell of the rest of the file."""


def read_table(file: InputFile, text_field: str) -> Iterator[Item]:
    """Yield the rows of a table, each with its cells by the names of their columns.

    Raises:
        ValueError: If the first row cannot be read, or if there is no column with the text.
    """
    with opened_as_found(file.path, file.size) as lines:
        rows = _rows(lines, "\t" if file.suffix == ".tsv" else ",")
        first = next(rows, None)
        if first is None:
            return
        if first.fault:
            raise ValueError(
                f"{file.path}: the first row cannot be read ({first.fault}): expected the names of "
                "the columns"
            )
        names = first.cells
        check_columns(names, text_field, str(file.path))
        for number, raw, cells, fault in rows:
            if not fault and len(cells) != len(names):
                fault = f"the row has {len(cells)} cells: expected {len(names)}"
            broken = Broken(fault, printable(raw)) if fault else None
            yield f"{file.path}:{number}", broken or dict(zip(names, cells, strict=True))


def check_columns(names: Sequence[str], text_field: str, place: str) -> None:
    """Check that a table has a column with the text, and no name twice.

    Raises:
        ValueError: If that is not so.
    """
    if text_field not in names:
        raise ValueError(
            f"{place} has no column {text_field!r}, only {', '.join(names)}: name the one that has "
            "the text with --text-field"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"{place} has two columns with the same name: {', '.join(names)}")


class _Row(NamedTuple):
    """A row of a table: the number of its first line, its lines, its cells, and what is wrong with
    it; empty if nothing is."""

    number: int
    raw: str
    cells: list[str]
    fault: str


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[_Row]:
    """Yield the rows of a table that are not blank."""
    csv.field_size_limit(_LONGEST)
    read = list[str]()  # the lines of a row

    def noted() -> Iterator[str]:
        for line in lines:
            read.append(line)
            yield line

    # strict: a quote that is still open at the end of the file is an error
    rows = csv.reader(noted(), delimiter=delimiter, strict=True)
    while True:
        read.clear()
        try:
            cells, fault = next(rows), ""
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = [], f"this is not a row: {error}"
        if cells or fault:
            raw = "".join(read).rstrip("\r\n")
            number = rows.line_num - len(read) + 1
            yield _Row(number, raw, cells, undecoded(raw) or fault)
