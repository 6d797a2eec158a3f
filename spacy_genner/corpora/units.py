"""What offsets into a text count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, product
from typing import NamedTuple

from .record import RawSpan


class Units(NamedTuple):
    """What offsets count: characters, or what other programs take for one.

    Attributes:
        utf16: A character beyond U+FFFF, such as an emoji, counts two, as in JavaScript, Java and
            .NET.
        crlf: CRLF counts one, as where a browser or an editor has changed the line ends.
    """

    utf16: bool = False
    crlf: bool = False

    def characters(self, text: str) -> dict[int, int]:
        """The character at each offset. There is none for an offset inside of what counts as
        one."""
        widths = [2 if self.utf16 and char > "\uffff" else 1 for char in text]
        for match in re.finditer("\r\n", text) if self.crlf else ():
            widths[match.start() + 1] = 0
        return {offset: i for i, offset in enumerate(accumulate(widths, initial=0))}

    def __str__(self) -> str:
        names = {"offsets count UTF-16 units": self.utf16, "CRLF read as one character": self.crlf}
        return ", ".join(name for name, applies in names.items() if applies)


def in_characters(
    text: str, spans: Sequence[RawSpan], utf16: bool
) -> tuple[Units, Sequence[RawSpan]]:
    """The units under which most of the spans are spans of the text, and the spans counted in
    characters.

    Args:
        utf16: Whether to take UTF-16 units if others are no better; else characters are taken.
    """
    beyond, crlf = max(text, default="") > "\uffff", "\r\n" in text
    if not spans or not (beyond or crlf):
        return Units(), spans
    units = [
        Units(*each) for each in product((False, True)[: 1 + beyond], (False, True)[: 1 + crlf])
    ]
    units.sort(
        key=lambda each: each.utf16 != (utf16 and beyond)
    )  # of equally good ones `max` takes the first
    places = {each: each.characters(text) for each in units}
    readings = [(each, [span.moved(places[each]) for span in spans]) for each in units]
    return max(readings, key=lambda reading: sum(not span.fault(text) for span in reading[1]))
