"""Tables, drawn as HTML by the template of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table of which the first column names the rows.

    Attributes:
        title: The title of the table.
        header: The titles of the columns.
        rows: The cells of each row.
        notes: Lines to show below it.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()

    @property
    def markdown(self) -> str:
        """The table without its title, and the notes after a blank line."""
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)]]
        lines += [[str(cell).replace("|", "\\|") for cell in row] for row in self.rows]
        notes = ["", *self.notes] if self.notes else []
        return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *notes])
