"""Long sources: cut into windows, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from .types import Entity, Source

_SENTENCE_END = frozenset(".!?…。!?؟।॥")


def split(source: Source, size: int, starts: Iterable[int] | None = None) -> list[tuple[int, int]]:
    """Cut a source into windows of at most `size` tokens, half-open, in order, with nothing left out.

    Windows are as long as they can be; they end where a sentence ends, or, in a sentence that is longer than a window,
    anywhere.

    starts: The first token of each sentence. None: sentences end behind a token such as "." or "?".
    Raises: ValueError if `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"window = {size}: a window holds at least one token")
    if starts is None:
        starts = (i + 1 for i, word in enumerate(source.words) if word in _SENTENCE_END)
    bounds = [*sorted({0, *starts} - {len(source)}), len(source)] if len(source) else []
    windows: list[tuple[int, int]] = []
    for start, end in pairwise(bounds):
        if windows and end - windows[-1][0] <= size:
            windows[-1] = (windows[-1][0], end)
            continue
        windows += [(cut, min(cut + size, end)) for cut in range(start, end, size)]
    return windows


def inside(entities: Iterable[Entity], windows: Sequence[tuple[int, int]]) -> tuple[list[list[Entity]], list[Entity]]:
    """The entities of each window, counted from its start, and those that cross an edge of a window."""
    kept: list[list[Entity]] = [[] for _ in windows]
    crossing = []
    of_token = [window for window, (start, end) in enumerate(windows) for _ in range(start, end)]
    for entity in entities:
        window = of_token[entity.start]
        start, end = windows[window]
        if entity.end <= end:
            kept[window].append(entity.shifted(-start))
        else:
            crossing.append(entity)
    return kept, crossing


def merge(entities: Iterable[Iterable[Entity]], windows: Iterable[tuple[int, int]]) -> list[Entity]:
    """The entities of all windows, counted from the start of the source."""
    return [entity.shifted(start) for found, (start, _) in zip(entities, windows, strict=True) for entity in found]
