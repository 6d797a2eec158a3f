"""What the offsets into a text count: characters, or something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, product, starmap
from typing import NamedTuple

from .record import RawSpan


class Units(NamedTuple):
    """What offsets count: characters, or what other programs take for one.

    Attributes:
        utf16: A character above U+FFFF, such as an emoji, counts as two, as in JavaScript, Java and
            .NET.
        crlf: A CRLF counts as one, as where a browser or an editor has changed the line ends.
    """

    utf16: bool = False
    crlf: bool = False

    def characters(self, text: str) -> dict[int, int]:
        """Return the character offset for each offset in these units.

        An offset inside a character that counts as two has none.
        """
        widths = [2 if self.utf16 and char > "\uffff" else 1 for char in text]
        if self.crlf:
            for match in re.finditer("\r\n", text):
                widths[match.start() + 1] = 0
        return {offset: i for i, offset in enumerate(accumulate(widths, initial=0))}

    def __str__(self) -> str:
        names = {"offsets count UTF-16 units": self.utf16, "CRLF read as one character": self.crlf}
        return ", ".join(name for name, applies in names.items() if applies)


def in_characters(
    text: str, spans: Sequence[RawSpan], utf16: bool
) -> tuple[Units, Sequence[RawSpan]]:
    """Find the units under which most of the spans are spans of the text.

    Args:
        text: The text.
        spans: The spans, with offsets in unknown units.
        utf16: Whether to take UTF-16 units if others fit no better; else characters are taken.

    Returns:
        The units, and the spans with offsets in characters.
    """
    has_wide = max(text, default="") > "\uffff"
    has_crlf = "\r\n" in text
    if not spans or not (has_wide or has_crlf):
        return Units(), spans
    # Of units that fit equally well, `max` takes the first.
    utf16_choices = [utf16, not utf16] if has_wide else [False]
    crlf_choices = [False, True] if has_crlf else [False]
    readings = []
    for units in starmap(Units, product(utf16_choices, crlf_choices)):
        places = units.characters(text)
        readings.append((units, [span.moved(places) for span in spans]))
    return max(readings, key=lambda reading: sum(not span.fault(text) for span in reading[1]))
