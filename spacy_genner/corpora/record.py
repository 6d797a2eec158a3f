"""What the readers return: texts or tokens, with spans as the file has them, not yet compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NamedTuple


class RawSpan(NamedTuple):
    """A span as it was read.

    Attributes:
        place: The file, and the line or the index in it.
        label: The label.
        parts: The start and the (exclusive) end of each part. A discontinuous span has several.
        texts: The texts that the file says the span has; several if it says so in several ways.
        contradiction: Why what the file says of the span cannot all be true; empty if it can.
    """

    place: str
    label: str
    parts: tuple[tuple[int, int], ...]
    texts: tuple[str, ...] = ()
    contradiction: str = ""

    @property
    def extent(self) -> tuple[int, int]:
        """The start of the first part and the end of the last one."""
        return self.parts[0][0], self.parts[-1][1]

    def moved(self, places: Mapping[int, int]) -> RawSpan:
        """Return the span with other offsets.

        Args:
            places: The new offset for each old one. An offset that is missing becomes -1.
        """
        parts = tuple((places.get(start, -1), places.get(end, -1)) for start, end in self.parts)
        return self._replace(parts=parts)

    def fault(self, pieces: Sequence[str]) -> str:
        """Return why this is not a span of a text or of tokens; empty if it is one.

        Texts that only differ in white space count as the same.

        Args:
            pieces: The text, or the tokens.
        """
        if any(not 0 <= start <= end <= len(pieces) for start, end in self.parts):
            return "offsets out of range"
        for (_, end), (start, _) in pairwise(self.parts):
            if end > start or _bare(pieces[end:start]):
                return "discontinuous"
        start, end = self.extent
        found = _bare(pieces[start:end])
        if any(_bare(text) != found for text in self.texts):
            return "text differs"
        return self.contradiction

    def __str__(self) -> str:
        values = (*chain.from_iterable(self.parts), self.label)
        return f"{self.place} [{', '.join(map(str, values))}]"


@dataclass(frozen=True, slots=True)
class Record:
    """An annotated text: `text` is a string, or it is None and `tokens` holds the words.

    Attributes:
        place: The file, and the line or the index in it.
        text: The text, if there is one.
        tokens: The words, if there is no text.
        spans: The spans. Their offsets count characters of the text, or tokens.
        utf16: Whether they probably count UTF-16 units of the text instead, as the tool that wrote
            them does.
        ignored: The kind of each annotation that is not a span.
    """

    place: str
    text: str | None
    tokens: Sequence[str]
    spans: list[RawSpan]
    utf16: bool = False
    ignored: tuple[str, ...] = ()


class LeftOut(NamedTuple):
    """A record that becomes no document, for example because it is no gold annotation, and why."""

    place: str
    reason: str


def raw_span(place: str, start: Any, end: Any, label: Any, texts: tuple[str, ...] = ()) -> RawSpan:
    """Return a span of one part.

    Raises:
        ValueError: If start and end are not whole numbers. A number in quotes is refused, since it
            may count something else, such as paragraphs.
        ValueError: If the label is not a string, or is empty.
    """
    if not (type(start) is type(end) is int and isinstance(label, str) and label.strip()):
        found = f"[{start!r:.40}, {end!r:.40}, {label!r:.40}]"
        raise ValueError(
            f"{place} {found} is not a span: expected whole numbers as start and end, and a label "
            "that is not empty"
        )
    return RawSpan(place, label, ((start, end),), texts)


def _bare(pieces: Sequence[str]) -> str:
    """Return the text without white space."""
    return "".join("".join(pieces).split())
