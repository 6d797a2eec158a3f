"""Long sources: cut into windows that a model can read at once, and put together again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby, pairwise
from typing import TypeAlias

from .types import Entity, Source

Window: TypeAlias = tuple[int, int]
"""A span of tokens that is read at once, half-open."""

_SENTENCE_END = frozenset(".!?\u2026\u3002\uff01\uff1f\uff61\u061f\u0964\u0965")
_SHARED = 4
"""Two windows that are cut inside a line share a fourth of the first one, so that an entity there
is whole in one."""


class Room:
    """What a window can hold.

    Args:
        tokens: The greatest number of tokens, at least 1.
        lengths: How many token ids the model reads for each token of the source.
        ids: The greatest number of them in a window; None for any.

    Raises:
        ValueError: If `tokens` is not positive.
    """

    def __init__(self, tokens: int, lengths: Iterable[int] = (), ids: int | None = None) -> None:
        if tokens < 1:
            raise ValueError(f"window = {tokens}: a window holds at least one token")
        self.tokens, self._ids = tokens, ids
        self._read = list(accumulate(lengths, initial=0))  # before each token

    def reach(self, start: int, tokens: int) -> int:
        """The end of the longest window of at most so many tokens that begins here. It holds at
        least one token."""
        end = start + min(tokens, self.tokens)
        if self._ids is not None:
            end = min(end, bisect_right(self._read, self._read[start] + self._ids) - 1)
        return max(end, start + 1)

    def holds(self, window: Window) -> bool:
        """Whether there is room for a window."""
        return window[1] <= self.reach(window[0], self.tokens)


def split(
    source: Source,
    room: Room,
    sentences: Iterable[int] | None = None,
    lines: Iterable[int] = (),
    within: Window | None = None,
) -> list[Window]:
    """Cut a source into windows, in order, with nothing left out.

    Windows are as few as there is room for, and about as long as one another. They begin where
    sentences begin; in a sentence that is longer than a window, where lines begin; and in a line
    that is longer, anywhere, but then two windows share a fourth of the first one.

    Args:
        sentences: The first token of each sentence. None: sentences end behind a token such as "."
            or "?".
        lines: The first token of each line.
        within: The part to cut; None: all of the source.
    """
    if sentences is None:
        sentences = (i + 1 for i, word in enumerate(source.words) if word in _SENTENCE_END)
    start, end = within or (0, len(source))
    return (
        _cut((start, end), room, [sorted(set(sentences)), sorted(set(lines))])
        if start < end
        else []
    )


def _cut(window: Window, room: Room, levels: Sequence[Sequence[int]]) -> list[Window]:
    """Cut at the places of the first level; pieces that are still too long, at those of the next
    level."""
    start, end = window
    if not levels:
        return _balanced(range(start, end + 1), room, overlap=True)
    places = [start, *(place for place in levels[0] if start < place < end), end]
    windows = list[Window]()
    for fit, group in groupby(pairwise(places), key=room.holds):
        pieces = list(group)
        if fit:
            windows += _balanced([pieces[0][0], *(end for _, end in pieces)], room)
        else:
            windows += [part for piece in pieces for part in _cut(piece, room, levels[1:])]
    return windows


def _balanced(places: Sequence[int], room: Room, overlap: bool = False) -> list[Window]:
    """The fewest windows there is room for, each of as few tokens as that number allows."""
    fewest = len(_packed(places, room, room.tokens, overlap))
    shorter = range(1, room.tokens)
    enough = bisect_left(
        shorter, True, key=lambda tokens: len(_packed(places, room, tokens, overlap)) <= fewest
    )
    return _packed(places, room, enough + 1, overlap)


def _packed(places: Sequence[int], room: Room, tokens: int, overlap: bool) -> list[Window]:
    """Windows from place to place, each as long as may be, but at least up to the next place."""
    windows, at = list[Window](), 0
    while not windows or windows[-1][1] < places[-1]:
        last = max(bisect_right(places, room.reach(places[at], tokens)) - 1, at + 1)
        windows.append((places[at], places[last]))
        at = last - (last - at) // _SHARED if overlap else last
    return windows


def covering(windows: Iterable[Window]) -> list[Window]:
    """The windows in order, without those that lie inside another one."""
    kept = list[Window]()
    for start, end in sorted(windows, key=lambda window: (window[0], -window[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def inside(
    entities: Iterable[Entity], windows: Sequence[Window]
) -> tuple[list[list[Entity]], list[Entity]]:
    """The entities that lie in each window, counted from its start, and those that lie in none."""
    kept: list[list[Entity]] = [[] for _ in windows]
    lost = []
    starts, ends = [start for start, _ in windows], [end for _, end in windows]
    for entity in entities:
        holding = range(bisect_left(ends, entity.end), bisect_right(starts, entity.start))
        for n in holding:
            kept[n].append(entity.shifted(-starts[n]))
        if not holding:
            lost.append(entity)
    return kept, lost


def merge(
    entities: Sequence[Iterable[Entity]], windows: Sequence[Window]
) -> tuple[list[Entity], list[Entity]]:
    """The entities of all windows, counted from the start of the source, and those that had to be
    dropped.

    Where two windows overlap, one cut decides: what lies on its left is taken from the left window,
    what lies on its right from the right one. It is the place nearest the middle that no entity of
    either window spans. If there is no such place, it is the one that the fewest span, and these
    are dropped.
    """
    found = [
        [e.shifted(start) for e in some] for some, (start, _) in zip(entities, windows, strict=True)
    ]
    cuts = [
        _best_cut(start, end, {*left, *right})
        for (left, right), ((_, end), (start, _)) in zip(
            pairwise(found), pairwise(windows), strict=True
        )
    ]
    kept, dropped = list[Entity](), list[Entity]()
    for some, low, high in zip(
        found, [0, *cuts], [*cuts, *(end for _, end in windows[-1:])], strict=False
    ):
        kept += [entity for entity in some if low <= entity.start and entity.end <= high]
        dropped += [e for e in some if e.start < low < e.end or e.start < high < e.end]
    return kept, list(dict.fromkeys(dropped))


def shares(windows: Sequence[Window]) -> list[Window]:
    """The part of each window that counts if each token counts once: windows that overlap meet in
    the middle."""
    cuts = [_best_cut(start, end, set()) for (_, end), (start, _) in pairwise(windows)]
    return list(
        zip(
            [start for start, _ in windows[:1]] + cuts,
            cuts + [end for _, end in windows[-1:]],
            strict=True,
        )
    )


def _best_cut(start: int, end: int, entities: set[Entity]) -> int:
    """The place that the fewest entities span; of several, that nearest the middle, and of two the
    left one."""

    def cost(place: int) -> tuple[int, int]:
        return sum(e.start < place < e.end for e in entities), abs(2 * place - start - end)

    return min(range(start, end + 1), key=cost)
