"""Cutting long sources into windows that a model can read at once, and merging what is found in
them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby, pairwise
from typing import TypeAlias

from .types import Entity, Source

Window: TypeAlias = tuple[int, int]
"""A span of tokens that is read at once: its first token, and the one after its last."""

_SENTENCE_END = frozenset(".!?\u2026\u3002\uff01\uff1f\uff61\u061f\u0964\u0965")
_SHARED = 4
"""The divisor that gives the overlap: where a line is cut, two windows share a quarter of the first
one, so that an entity there lies whole in one of them."""


class Room:
    """How much fits into a window.

    Args:
        tokens: The greatest number of tokens, at least 1.
        lengths: For each token of the source, the number of token ids that the model reads for it.
        ids: The greatest number of token ids; None for any number.

    Raises:
        ValueError: If `tokens` is less than 1.
    """

    def __init__(self, tokens: int, lengths: Iterable[int] = (), ids: int | None = None) -> None:
        if tokens < 1:
            raise ValueError(
                f"window = {tokens}: a window holds at least one token, so give 1 or more"
            )
        self.tokens = tokens
        self._ids = ids
        self._ids_before = list(accumulate(lengths, initial=0))

    def reach(self, start: int, tokens: int) -> int:
        """Return the end of the longest window that starts at a token and holds at most this number
        of tokens. It always holds at least one token, even one that is too long."""
        end = start + min(tokens, self.tokens)
        if self._ids is not None:
            limit = self._ids_before[start] + self._ids
            end = min(end, bisect_right(self._ids_before, limit) - 1)
        return max(end, start + 1)

    def holds(self, window: Window) -> bool:
        """Return whether there is room for a window."""
        return window[1] <= self.reach(window[0], self.tokens)


def split(
    source: Source,
    room: Room,
    sentences: Iterable[int] | None = None,
    lines: Iterable[int] = (),
    within: Window | None = None,
) -> list[Window]:
    """Cut a source into windows, in order, that leave no token out.

    There are as few windows as possible, and they are about equally long. They start where
    sentences start; in a sentence that is longer than a window, where lines start; and in a line
    that is longer than a window, anywhere, but there two windows share a quarter of the first one.

    Args:
        source: The source.
        room: How much fits into a window.
        sentences: The first token of each sentence. None: sentences end after a token such as "."
            or "?".
        lines: The first token of each line.
        within: The part of the source to cut. None: all of it.
    """
    if sentences is None:
        sentences = (i + 1 for i, word in enumerate(source.words) if word in _SENTENCE_END)
    start, end = within or (0, len(source))
    if start >= end:
        return []
    return _cut((start, end), room, [sorted(set(sentences)), sorted(set(lines))])


def _cut(window: Window, room: Room, levels: Sequence[Sequence[int]]) -> list[Window]:
    """Cut at the places of the first level, and pieces that are still too long at those of the next
    level."""
    start, end = window
    if not levels:
        return _balanced(range(start, end + 1), room, overlap=True)
    places = [start, *(place for place in levels[0] if start < place < end), end]
    windows: list[Window] = []
    for fit, group in groupby(pairwise(places), key=room.holds):
        pieces = list(group)
        if fit:
            windows += _balanced([pieces[0][0], *(end for _, end in pieces)], room)
        else:
            for piece in pieces:
                windows += _cut(piece, room, levels[1:])
    return windows


def _balanced(places: Sequence[int], room: Room, overlap: bool = False) -> list[Window]:
    """Return as few windows as possible, each of as few tokens as that number of windows allows."""
    fewest = len(_packed(places, room, room.tokens, overlap))

    def suffices(tokens: int) -> bool:
        return len(_packed(places, room, tokens, overlap)) <= fewest

    # Binary search for the smallest size that suffices; the full size does, if no smaller one.
    size = 1 + bisect_left(range(1, room.tokens), True, key=suffices)
    return _packed(places, room, size, overlap)


def _packed(places: Sequence[int], room: Room, tokens: int, overlap: bool) -> list[Window]:
    """Return windows from place to place, each as long as possible, but never ending before the
    place after its start."""
    windows: list[Window] = []
    at = 0
    while not windows or windows[-1][1] < places[-1]:
        last = max(bisect_right(places, room.reach(places[at], tokens)) - 1, at + 1)
        windows.append((places[at], places[last]))
        at = last - (last - at) // _SHARED if overlap else last
    return windows


def covering(windows: Iterable[Window]) -> list[Window]:
    """Return the windows in order, without those that lie inside another one."""
    kept: list[Window] = []
    for start, end in sorted(windows, key=lambda window: (window[0], -window[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def inside(
    entities: Iterable[Entity], windows: Sequence[Window]
) -> tuple[list[list[Entity]], list[Entity]]:
    """Return the entities that lie in each window, with positions counted from its start, and the
    entities that lie in no window."""
    kept: list[list[Entity]] = [[] for _ in windows]
    lost: list[Entity] = []
    starts = [start for start, _ in windows]
    ends = [end for _, end in windows]
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
    """Merge the entities that were found in windows.

    Where two windows overlap, one cut decides: what lies to the left of it is taken from the left
    window, and what lies to the right of it from the right one. The cut is the place nearest the
    middle that no entity of either window spans. If there is no such place, it is the one that the
    fewest entities span, and these are dropped.

    Args:
        entities: The entities of each window, with positions counted from its start.
        windows: The windows in order.

    Returns:
        The merged entities, with positions counted from the start of the source, and the entities
        that had to be dropped.
    """
    found: list[list[Entity]] = []
    for own, (start, _) in zip(entities, windows, strict=True):
        found.append([entity.shifted(start) for entity in own])
    cuts: list[int] = []
    for n, ((_, left_end), (right_start, _)) in enumerate(pairwise(windows)):
        cuts.append(_best_cut(right_start, left_end, {*found[n], *found[n + 1]}))
    kept: list[Entity] = []
    dropped: list[Entity] = []
    for own, (low, high) in zip(found, _between(windows, cuts), strict=True):
        kept += [e for e in own if low <= e.start and e.end <= high]
        dropped += [e for e in own if e.start < low < e.end or e.start < high < e.end]
    return kept, list(dict.fromkeys(dropped))  # Both windows may have found the same entity


def shares(windows: Sequence[Window]) -> list[Window]:
    """Return the part of each window that counts when each token counts once: windows that overlap
    meet in the middle of their overlap."""
    cuts = [
        _best_cut(right_start, left_end, set())
        for (_, left_end), (right_start, _) in pairwise(windows)
    ]
    return _between(windows, cuts)


def _between(windows: Sequence[Window], cuts: Sequence[int]) -> list[Window]:
    """Return the part of each window that lies between the cuts from its neighbours."""
    if not windows:
        return []
    return list(pairwise([windows[0][0], *cuts, windows[-1][1]]))


def _best_cut(start: int, end: int, entities: set[Entity]) -> int:
    """Return the place that the fewest entities span: of several, the one nearest the middle; of
    two that are equally near, the left one."""

    def cost(place: int) -> tuple[int, int]:
        spanning = sum(entity.start < place < entity.end for entity in entities)
        return spanning, abs(2 * place - start - end)

    return min(range(start, end + 1), key=cost)
