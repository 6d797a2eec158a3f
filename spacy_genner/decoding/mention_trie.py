"""The trie of the mentions of a source, built only as far as it is walked.

A source of n tokens has n · (n + 1) / 2 spans, too many to tokenise each of them. LogitMatch (arXiv
2601.16946) constrains generation to spans in a similar way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ..formats.mentions import Mentions
from ..types import Move

Cursor: TypeAlias = tuple[int, int, int]
"""A mention that is being written: its first token, its present token, and how many token ids of
that are written. A negative number counts token ids of the closing segment instead."""


class Spelling:
    """The token ids of all mentions.

    Args:
        encode: Returns the token ids of a segment of text.
    """

    def __init__(self, mentions: Mentions, encode: Callable[[str], Sequence[int]]) -> None:
        self.mentions = mentions
        self._legal = mentions.legal
        texts = mentions.texts
        # The last token that a mention from each start can have, -1 if there is no mention.
        self._reach = [max(lasts.nonzero()[0], default=-1) for lasts in self._legal]
        self._first = [encode(mentions.opening + word) for word in texts.words]
        self._later = [
            encode(space + word) for space, word in zip(texts.spaces, texts.words, strict=True)
        ]
        self._closing = encode(mentions.closing)

    def starts(self) -> Iterator[Cursor]:
        """Return the cursors of all mentions, before anything is written."""
        return ((start, start, 0) for start, reach in enumerate(self._reach) if reach >= 0)

    def following(self, cursor: Cursor) -> Iterator[tuple[int, Cursor]]:
        """Yield the token ids that may come next, each with the cursor after it; the shortest
        mention comes first."""
        start, token, written = cursor
        ids = self._first[token] if token == start else self._later[token]
        if written < 0:
            yield self._closing[-written], (start, token, written - 1)
        elif written < len(ids):
            yield ids[written], (start, token, written + 1)
        else:
            if self._legal[start, token]:
                yield self._closing[0], (start, token, -1)
            if token < self._reach[start]:
                yield self._later[token + 1][0], (start, token + 1, 1)

    def complete(self, cursor: Cursor) -> bool:
        """Return whether a mention is complete, its closing segment included."""
        _, _, written = cursor
        return -written == len(self._closing)

    def shortest(self, cursor: Cursor) -> Move:
        """Return the shortest mention that begins with what a cursor has written."""
        start, token, _ = cursor
        more = int(self._legal[start, token:].argmax())  # tokens up to the first legal last one
        return self.mentions.move(start, token + more + 1)


class MentionTrie(Mapping[int, "MentionTrie | Move"]):
    """A node of the trie: next token id → the rest, or the move that the token id completes, in the
    order of the moves."""

    def __init__(self, spelling: Spelling, cursors: Iterable[Cursor]) -> None:
        self._spelling = spelling
        self._cursors: dict[int, list[Cursor]] = {}
        for cursor in cursors:
            for id, following in spelling.following(cursor):
                self._cursors.setdefault(id, []).append(following)
        self._children: dict[int, MentionTrie | Move] = {}

    def __getitem__(self, id: int) -> MentionTrie | Move:
        if id not in self._children:
            self._children[id] = self._child(self._cursors[id])
        return self._children[id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._cursors)

    def __len__(self) -> int:
        return len(self._cursors)

    def _child(self, cursors: list[Cursor]) -> MentionTrie | Move:
        complete = [self._spelling.complete(cursor) for cursor in cursors]
        if not any(complete):
            return MentionTrie(self._spelling, cursors)
        if all(complete):
            return self._spelling.shortest(cursors[0])
        mention = self._spelling.shortest(cursors[complete.index(True)])
        longer = self._spelling.shortest(cursors[complete.index(False)])
        raise ValueError(
            f"the mentions {mention.text!r} and {longer.text!r} cannot be told apart with this "
            "tokenizer, as the token ids of the second begin with those of the first: choose "
            "another format or another tokenizer"
        )


def mention_trie(mentions: Mentions, encode: Callable[[str], Sequence[int]]) -> MentionTrie:
    """Return the token ids of mentions as a trie. Mentions with the same token ids are one move,
    the first of them.

    Raises:
        ValueError: When a node is reached where one mention is complete and another one is not.
    """
    spelling = Spelling(mentions, encode)
    return MentionTrie(spelling, spelling.starts())
