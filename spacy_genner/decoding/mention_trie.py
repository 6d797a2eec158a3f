"""The trie of the mentions of a source, made as far as it is walked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ..formats.mentions import Mentions
from ..types import Move

Cursor: TypeAlias = tuple[int, int, int]
"""A mention under way: its first token, its present one, and how many ids of that are written;
below zero, of what closes the mention."""


class Spelling:
    """The ids of all mentions.

    Args:
        encode: Segment of text → token ids.
    """

    def __init__(self, mentions: Mentions, encode: Callable[[str], Sequence[int]]) -> None:
        self.mentions = mentions
        texts, self._legal = mentions.texts, mentions.legal
        self._reach = [
            max(lasts.nonzero()[0], default=-1) for lasts in self._legal
        ]  # the last token from each start
        self._first = [encode(mentions.opening + word) for word in texts.words]
        self._later = [
            encode(space + word) for space, word in zip(texts.spaces, texts.words, strict=True)
        ]
        self._closing = encode(mentions.closing)

    def starts(self) -> Iterator[Cursor]:
        """All mentions, before anything is written."""
        return ((start, start, 0) for start, reach in enumerate(self._reach) if reach >= 0)

    def following(self, cursor: Cursor) -> Iterator[tuple[int, Cursor]]:
        """The ids that may come next, the shortest mention first."""
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
        """Whether a mention is written whole."""
        return -cursor[2] == len(self._closing)


class MentionTrie(Mapping[int, "MentionTrie | Move"]):
    """A node of the trie: next id → the rest, or the move that the id completes, in the order of
    the moves."""

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
        start, token, _ = cursors[0]
        complete = set(map(self._spelling.complete, cursors))
        if complete == {False}:
            return MentionTrie(self._spelling, cursors)
        move = self._spelling.mentions.move(start, token + 1)
        if complete == {True}:
            return move
        raise ValueError(
            f"{move} cannot be told from the other moves with this tokenizer: choose another format"
        )


def mention_trie(mentions: Mentions, encode: Callable[[str], Sequence[int]]) -> MentionTrie:
    """The id sequences of mentions as a trie. Spans that the tokenizer writes alike are one move:
    the first of them."""
    spelling = Spelling(mentions, encode)
    return MentionTrie(spelling, spelling.starts())
