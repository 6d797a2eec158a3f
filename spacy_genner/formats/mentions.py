"""The contiguous pieces of a source that may be written at one place: too many to be listed."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..text import Extent, Text
from ..types import Move, Source

Spans: TypeAlias = npt.NDArray[np.bool_]
"""Which spans are meant: starts × last tokens."""


class Texts(Text):
    """The texts of the spans of a source.

    Args:
        escape: How a token is written.

    Attributes:
        words: The tokens as they are written.
        spaces: What stands before each: a space also where lines break, so that a mention is one
            line.
    """

    def __init__(self, source: Source, escape: Callable[[str], str]) -> None:
        self.words = [escape(word) for word in source.words]
        self.spaces = [" " * bool(space) for space in source.spaces]
        super().__init__(self.words, source.spaces)

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
                text = self(start, last + 1)
                if self.text.find(text) == self.text.rfind(text):
                    break  # nor is there another one of anything longer
                places[text].append((start, last))
        return [several for several in places.values() if len(several) > 1]


@dataclass(frozen=True, eq=False)
class Mentions:
    """The moves that write a span, its tokens as segments, and what ends it.

    Attributes:
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

    def starting(self, text: str, position: int) -> Move | None:
        """The move that writes what a text has at a position, if there is one."""
        begin = position + len(self.opening)
        if not text.startswith(self.opening, position):
            return None
        ends = [
            begin + match.start() for match in re.finditer(re.escape(self.closing), text[begin:])
        ]
        spans = (span for end in ends for span in self._places(text[begin:end]))
        return next((self.move(start, end) for start, end in spans), None)

    def _places(self, text: str) -> list[Extent]:
        return [(start, end) for start, end in self.texts.find(text) if self.legal[start, end - 1]]

    def move(self, start: int, end: int) -> Move:
        """The move that writes the text of a span, as it stands at its legal place."""
        text = self.texts(start, end)
        start, end = self._places(text)[0]
        words, spaces = (
            self.texts.words[start:end],
            [self.opening, *self.texts.spaces[start + 1 : end]],
        )
        parts = (*(space + word for space, word in zip(spaces, words, strict=True)), self.closing)
        return Move("mention", self.opening + text + self.closing, parts=parts)
