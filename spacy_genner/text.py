"""The text that words make up, and how it is shown. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

Extent = tuple[int, int]
"""A span of words, half-open."""

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move a terminal's cursor, colour it, ring its bell; that reverse the order in
which others are shown; and halves of characters, which cannot be printed at all."""


def visible(text: str) -> str:
    """A text from elsewhere, safe to print in one line: control characters as escapes such as
    `\\x1b`."""
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Text:
    """Words in one line of text: a space before each that has any white space before it, none
    before the first.

    Attributes:
        text: The text.
        starts, ends: Where each word starts and ends in it, in characters.
    """

    def __init__(self, words: Sequence[str], spaces: Sequence[int]) -> None:
        spaced = [
            " " * (space > 0 and i > 0) + word
            for i, (word, space) in enumerate(zip(words, spaces, strict=True))
        ]
        self.text = "".join(spaced)
        self.ends = list(accumulate(map(len, spaced)))
        self.starts = [end - len(word) for end, word in zip(self.ends, words, strict=True)]
        self._first = {start: i for i, start in enumerate(self.starts)}
        self._last = {end: i for i, end in enumerate(self.ends)}

    def __call__(self, start: int, end: int) -> str:
        """The text of a span."""
        return self.text[self.starts[start] : self.ends[end - 1]]

    def find(self, text: str) -> list[Extent]:
        """Where whole words make up a text, from left to right."""
        edges = (
            (self._first.get(at), self._last.get(at + len(text))) for at in self.occurrences(text)
        )
        return [
            (first, last + 1) for first, last in edges if first is not None and last is not None
        ]

    def occurrences(self, text: str) -> list[int]:
        """Where a text starts, also inside of words and of one another, from left to right."""
        found, at = list[int](), self.text.find(text) if text else -1
        while at >= 0:
            found.append(at)
            at = self.text.find(text, at + 1)
        return found
