"""The contiguous pieces of a source that may be written at one place: too many to be listed."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..types import Move, Source

Spans: TypeAlias = npt.NDArray[np.bool_]
"""Which spans are meant: starts × last tokens."""


class Texts:
    """The texts of the spans of a source.

    escape: How a token is written.
    """

    def __init__(self, source: Source, escape: Callable[[str], str]) -> None:
        self.words = [escape(word) for word in source.words]
        self.spaces = [" " * space for space in source.spaces]
        pieces = [space + word for space, word in zip(self.spaces, self.words, strict=True)]
        self._text = "".join(pieces)
        self._ends = list(accumulate(map(len, pieces)))
        self._starts = [end - len(word) for end, word in zip(self._ends, self.words, strict=True)]

    def __call__(self, start: int, end: int) -> str:
        """The text of a span, without the space before it."""
        return self._text[self._starts[start] : self._ends[end - 1]]

    def offsets(self, start: int, end: int) -> tuple[int, int]:
        """Where it is, in characters from the first token on, end exclusive."""
        return self._starts[start] - self._starts[0], self._ends[end - 1] - self._starts[0]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """All spans with this text, by their starts."""
        starts = [start for start, at in enumerate(self._starts) if self._text.startswith(text, at)]
        ends = [self._last.get(self._starts[start] + len(text)) for start in starts]
        return [(start, end) for start, end in zip(starts, ends, strict=True) if end is not None]

    def once(self, spans: Spans) -> Spans:
        """The first of the spans with each text."""
        spans = spans.copy()
        for places in self._repeated:
            for place in [place for place in places if spans[place]][1:]:
                spans[place] = False
        return spans

    @cached_property
    def _repeated(self) -> list[list[tuple[int, int]]]:
        """The places of texts that have several, by start and last token."""
        places = defaultdict[str, list[tuple[int, int]]](list)
        for start in range(len(self.words)):
            for last in range(start, len(self.words)):
                places[self(start, last + 1)].append((start, last))
        return [several for several in places.values() if len(several) > 1]

    @cached_property
    def _last(self) -> dict[int, int]:
        return {at: end for end, at in enumerate(self._ends, 1)}


@dataclass(frozen=True, eq=False)
class Mentions:
    """The moves that write a span, its tokens as segments, and what ends it.

    texts: Of the source.
    legal: Which spans may be written, one of each text.
    opening: What stands before the first token.
    closing: The last segment.
    """

    texts: Texts
    legal: Spans
    opening: str
    closing: str

    def __iter__(self) -> Iterator[Move]:
        return (self.move(start, last + 1) for start, last in np.argwhere(self.legal).tolist())

    def move(self, start: int, end: int) -> Move:
        """The move that writes the text of a span, as it stands at its legal place."""
        text = self.texts(start, end)
        start, end = next((s, e) for s, e in self.texts.spans(text) if self.legal[s, e - 1])
        words, spaces = self.texts.words[start:end], [self.opening, *self.texts.spaces[start + 1 : end]]
        parts = (*(space + word for space, word in zip(spaces, words, strict=True)), self.closing)
        return Move("mention", self.opening + text + self.closing, parts=parts)
