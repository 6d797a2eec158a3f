"""What readers give: texts or tokens with their spans as the file has them, not yet compared with
one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple


class RawSpan(NamedTuple):
    """A span as it was read.

    Attributes:
        place: File, and line or index.
        parts: Start and end of each of its parts, half-open. More than one: the parts of a
            discontinuous span.
        texts: What the file says that stands there, as often as it says so.
        contradiction: Why what the file says of the span cannot all be true; empty if it can.
    """

    place: str
    label: str
    parts: tuple[tuple[int, int], ...]
    texts: tuple[str, ...] = ()
    contradiction: str = ""

    @property
    def extent(self) -> tuple[int, int]:
        """From the start of the first part to the end of the last one."""
        return self.parts[0][0], self.parts[-1][1]

    def moved(self, places: Mapping[int, int]) -> RawSpan:
        """The same span with other offsets; -1 for those that have no other one."""
        parts = tuple((places.get(start, -1), places.get(end, -1)) for start, end in self.parts)
        return self._replace(parts=parts)

    def fault(self, pieces: Sequence[str]) -> str:
        """Why this is no span of a text, or of tokens; empty if it is one. White space makes no
        other text."""
        if any(not 0 <= start <= end <= len(pieces) for start, end in self.parts):
            return "offsets out of range"
        gaps = [(end, start) for (_, end), (start, _) in pairwise(self.parts)]
        if any(end > start or _bare(pieces[end:start]) for end, start in gaps):
            return "discontinuous"
        found = _bare(pieces[slice(*self.extent)])
        return (
            self.contradiction
            if all(_bare(text) == found for text in self.texts)
            else "text differs"
        )

    def __str__(self) -> str:
        offsets = [offset for part in self.parts for offset in part]
        return f"{self.place} [{', '.join(map(str, (*offsets, self.label)))}]"


@dataclass(frozen=True, slots=True)
class Record:
    """An annotated text: either `text` is a string, or it is None and `tokens` holds the words.

    Attributes:
        place: File, and line or index.
        spans: Their offsets count characters of the text, or tokens.
        utf16: Whether they probably count UTF-16 units of the text instead, as the tool that wrote
            them does.
        ignored: Annotations that are no spans, by kind, as often as they occur.
    """

    place: str
    text: str | None
    tokens: Sequence[str]
    spans: list[RawSpan]
    utf16: bool = False
    ignored: tuple[str, ...] = ()


class LeftOut(NamedTuple):
    """A record that is no gold, and why."""

    place: str
    reason: str


def raw_span(place: str, start: Any, end: Any, label: Any, texts: tuple[str, ...] = ()) -> RawSpan:
    """A span of one part.

    Raises:
        ValueError: Unless start and end are whole numbers, written as such, and the label is a
            string that is not empty. A number in quotes may count something else, such as
            paragraphs.
    """
    if not (type(start) is type(end) is int and isinstance(label, str) and label.strip()):
        found = f"[{start!r:.40}, {end!r:.40}, {label!r:.40}]"
        raise ValueError(
            f"{place} {found} is no span: expected whole numbers as start and end, and a label "
            "that is not empty"
        )
    return RawSpan(place, label, ((start, end),), texts)


def _bare(pieces: Sequence[str]) -> str:
    """The text without white space."""
    return "".join("".join(pieces).split())
