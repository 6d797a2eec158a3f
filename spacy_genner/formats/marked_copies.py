"""Reading copies with marks that a model wrote without constraints, however broken they are.

What is not a complete mark stays in the copy. The alignment then finds it in the source, or counts
it as an addition.
"""

from __future__ import annotations

import re
from itertools import accumulate

from ..answers import Marked
from .backslashes import unescape


class MarkedCopy:
    """A copy that is being read. An opening mark belongs to its text until the closing mark is
    read."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._spans: list[tuple[int, int, str]] = []

    def write(self, part: str) -> int:
        """Append text, or an opening mark.

        Returns:
            The number of this part, which `close` needs if it is an opening mark.
        """
        self._parts.append(part)
        return len(self._parts) - 1

    def close(self, opening: int, label: str) -> None:
        """Make a span of everything after an opening mark, and remove the mark from the text.

        Args:
            opening: The number of the mark, as `write` returned it.
        """
        self._parts[opening] = ""
        self._spans.append((opening, len(self._parts), label))

    def marked(self) -> Marked:
        """Return the copy without its marks, and its spans."""
        at = list(accumulate(map(len, self._parts), initial=0))
        spans = [(at[start], at[end], label) for start, end, label in self._spans]
        return Marked("".join(self._parts), spans)


def read_marks(text: str, mark: re.Pattern[str]) -> Marked:
    """Read a copy in which each closing mark closes the span that was opened last.

    Args:
        mark: Matches one mark. Its group `open` matches if it is an opening mark, and its group
            `label` if it carries the label, in which delimiters are escaped with backslashes.
    """
    copy = MarkedCopy()
    opened: list[tuple[int, str | None]] = []
    end = 0
    for match in mark.finditer(text):
        copy.write(text[end : match.start()])
        end = match.end()
        if match["open"]:
            opened.append((copy.write(match[0]), match["label"]))
            continue
        opening, label = opened.pop() if opened else (None, None)
        label = match["label"] if label is None else label
        if opening is None or label is None:
            copy.write(match[0])
        else:
            copy.close(opening, unescape(label))
    copy.write(text[end:])
    return copy.marked()
