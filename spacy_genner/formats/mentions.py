"""The contiguous pieces of a source that may be written at one place of a list: too many to make a
move for each in advance."""

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
"""A set of spans: a matrix of first tokens × last tokens, True for each span in the set."""


class Texts(Text):
    """The texts of the spans of a source.

    Args:
        escape: Returns how a token is written.

    Attributes:
        words: The tokens as they are written.
        spaces: The text before each token: a space even where the source has a line break, so that
            every mention is on one line.
    """

    def __init__(self, source: Source, escape: Callable[[str], str]) -> None:
        self.words = [escape(word) for word in source.words]
        self.spaces = [" " if space else "" for space in source.spaces]
        super().__init__(self.words, source.spaces)

    def once(self, spans: Spans) -> Spans:
        """Return the first of the spans with each text."""
        spans = spans.copy()
        for places in self._repeated:
            legal = [place for place in places if spans[place]]
            for place in legal[1:]:
                spans[place] = False
        return spans

    @cached_property
    def _repeated(self) -> list[list[tuple[int, int]]]:
        """The places of each text that has several, as first and last token."""
        places = defaultdict[str, list[tuple[int, int]]](list)
        for start in range(len(self.words)):
            for last in range(start, len(self.words)):
                text = self(start, last + 1)
                if self.text.find(text) == self.text.rfind(text):
                    break  # A longer text from this start cannot occur twice either
                places[text].append((start, last))
        return [several for several in places.values() if len(several) > 1]


@dataclass(frozen=True, eq=False)
class Mentions:
    """The moves that write one of several spans, and then what ends a mention. Each token is a
    segment of its own.

    Attributes:
        texts: The texts of the spans of the source.
        legal: The spans that may be written, at most one for each text.
        opening: The text before the first token.
        closing: The last segment.
    """

    texts: Texts
    legal: Spans
    opening: str
    closing: str

    def __iter__(self) -> Iterator[Move]:
        return (self.move(start, last + 1) for start, last in np.argwhere(self.legal).tolist())

    def starting(self, text: str, position: int) -> Move | None:
        """Return the move that writes what a text contains at a position, if there is one."""
        if not text.startswith(self.opening, position):
            return None
        begin = position + len(self.opening)
        for closing in re.compile(re.escape(self.closing)).finditer(text, begin):
            places = self._places(text[begin : closing.start()])
            if places:
                return self.move(*places[0])
        return None

    def _places(self, text: str) -> list[Extent]:
        """Return the legal spans with a text; `legal` has at most one."""
        return [(start, end) for start, end in self.texts.find(text) if self.legal[start, end - 1]]

    def move(self, start: int, end: int) -> Move:
        """Return the move that writes the text of a span.

        Its segments are those of the legal span with this text, which may be at another place.
        """
        text = self.texts(start, end)
        start, end = self._places(text)[0]
        before = [self.opening, *self.texts.spaces[start + 1 : end]]
        words = [
            space + word for space, word in zip(before, self.texts.words[start:end], strict=True)
        ]
        return Move("mention", self.opening + text + self.closing, parts=(*words, self.closing))
