"""The text that words make up, and how it is shown. Imports only the standard library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

Extent = tuple[int, int]
"""A span of words: its first word, and the one after its last."""

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, which can move a terminal's cursor, change its colours, or ring its bell;
characters that reverse the order in which others are shown; and surrogates, which cannot be printed
at all."""


def visible(text: str) -> str:
    """Make a text from elsewhere safe to print on one line: control characters become escapes such
    as `\\x1b`."""
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Text:
    """Words joined into one line of text, with a single space wherever there is white space between
    two words.

    Attributes:
        text: The text.
        starts: The character of the text where each word starts.
        ends: The character after the end of each word.
    """

    def __init__(self, words: Sequence[str], spaces: Sequence[int]) -> None:
        spaced = [
            f" {word}" if space and i > 0 else word
            for i, (word, space) in enumerate(zip(words, spaces, strict=True))
        ]
        self.text = "".join(spaced)
        self.ends = list(accumulate(map(len, spaced)))
        self.starts = [end - len(word) for end, word in zip(self.ends, words, strict=True)]
        self._word_from = {start: i for i, start in enumerate(self.starts)}
        self._word_to = {end: i for i, end in enumerate(self.ends)}

    def __call__(self, start: int, end: int) -> str:
        """Return the text of a span of words."""
        return self.text[self.starts[start] : self.ends[end - 1]]

    def find(self, text: str) -> list[Extent]:
        """Return the spans of whole words that make up a text, from left to right."""
        found: list[Extent] = []
        for at in self.occurrences(text):
            first = self._word_from.get(at)
            last = self._word_to.get(at + len(text))
            if first is not None and last is not None:
                found.append((first, last + 1))
        return found

    def occurrences(self, text: str) -> list[int]:
        """Return the characters where a text starts, from left to right. Occurrences may begin or
        end inside words, and may overlap."""
        found: list[int] = []
        at = self.text.find(text) if text else -1
        while at >= 0:
            found.append(at)
            at = self.text.find(text, at + 1)
        return found
