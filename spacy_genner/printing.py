"""What the commands print. Text from a file cannot control the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wasabi.printer import Printer

from .text import visible


class VisiblePrinter(Printer):
    """wasabi's printer, which shows control characters as escapes."""

    def text(self, title: Any = "", text: Any = "", *args: Any, **settings: Any) -> Any:
        """Print a message. wasabi's methods for errors, warnings and so on call this one."""
        return super().text(_lines(title), _lines(text), *args, **settings)

    def table(self, data: Any, **settings: Any) -> Any:
        """Print rows as a table."""
        header = settings.pop("header", None)
        return super().table(
            [_cells(row) for row in data], header=header and _cells(header), **settings
        )


def _lines(message: object) -> str:
    """Return a message with control characters as escapes, except for its line breaks."""
    return "\n".join(map(visible, str(message).split("\n")))


def _cells(row: Iterable[object]) -> list[str]:
    return [visible(str(cell)) for cell in row]


msg = VisiblePrinter()
