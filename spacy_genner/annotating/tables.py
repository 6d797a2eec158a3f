"""Tables in .csv and .tsv files, whose first row names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from ..files.text_files import opened_as_found, printable, undecoded
from .input_files import InputFile
from .readers import Broken, Item

_LONGEST = 1 << 24
"""At most how many characters a cell may have. A quote that is never closed would otherwise make
one cell of the rest of the file."""


def read_table(file: InputFile, text_field: str) -> Iterator[Item]:
    """Yield the rows of a table, each with its cells by the names of their columns.

    Raises:
        ValueError: If there is no column with the text.
    """
    csv.field_size_limit(_LONGEST)
    with opened_as_found(file.path, file.size) as lines:
        rows = csv.reader(lines, delimiter="\t" if file.suffix == ".tsv" else ",")
        names = next(rows, None)
        if names is None:
            return
        check_columns(names, text_field, str(file.path))
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"{file.path}:{rows.line_num}", Broken(f"this is not a row: {error}", "")
                continue
            if cells:
                yield f"{file.path}:{rows.line_num}", _row(names, cells)


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


def _row(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | Broken:
    reason = undecoded("".join(cells))
    if not reason and len(cells) != len(names):
        reason = f"the row has {len(cells)} cells: expected {len(names)}"
    if reason:
        return Broken(reason, printable(",".join(cells)))
    return dict(zip(names, cells, strict=True))
