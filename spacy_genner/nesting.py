"""Proper nesting: every two spans are disjoint, or one lies inside the other. Standard library
only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from .types import Entity, Source


def nest(
    entities: Iterable[Entity], max_depth: int | None = None
) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Split entities into a properly nested subset and the rest.

    Of two crossing spans the longer is kept, of two of one length the one that starts earlier. One
    extent may carry several labels, each once; they nest in their order of appearance. A span's
    depth is 1 more than the number of kept spans around it.

    Args:
        max_depth: The greatest depth kept, at least 1; None for any.

    Returns:
        The kept entities by start, the longest first, then by appearance; and every other one with
        its reason: "empty", "duplicate", "crossing" or "too deep".
    """
    if max_depth is not None and max_depth < 1:
        raise ValueError(
            f"max_depth = {max_depth} would keep no span: give 1 or more, or None for any depth"
        )
    kept: list[Entity] = []
    rest: list[tuple[Entity, str]] = []
    seen: set[Entity] = set()
    starts: list[int] = []
    ends: list[int] = []
    for entity in sorted(entities, key=lambda e: (e.start - e.end, e.start)):
        # What is kept by now is at least as long: it crosses if it starts or ends inside, else it
        # is around or apart.
        start_at, end_at = bisect_right(starts, entity.start), bisect_right(ends, entity.start)
        if entity.start >= entity.end:
            rest.append((entity, "empty"))
        elif entity in seen:
            rest.append((entity, "duplicate"))
        elif _below(starts, start_at, entity.end) or _below(ends, end_at, entity.end):
            rest.append((entity, "crossing"))
        elif max_depth is not None and start_at - end_at >= max_depth:
            rest.append((entity, "too deep"))
        else:
            kept.append(entity)
            starts.insert(start_at, entity.start)
            ends.insert(end_at, entity.end)
        seen.add(entity)
    return sorted(kept, key=lambda e: (e.start, -e.end)), rest


def _below(positions: list[int], at: int, limit: int) -> bool:
    return at < len(positions) and positions[at] < limit


def within_sentences(
    entities: Iterable[Entity], source: Source
) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Split entities into those that cross no known start of a sentence, and the rest with the
    reason."""
    kept, rest, bounds = list[Entity](), list[tuple[Entity, str]](), source.bounds()
    for entity in entities:
        if 0 <= entity.start < len(source) and bounds[entity.start] < entity.end <= len(source):
            rest.append((entity, "across sentences"))
        else:
            kept.append(entity)
    return kept, rest


def depths(nested: Sequence[Entity]) -> list[int]:
    """The depth of each entity, from 1 for an outermost one.

    Args:
        nested: As `nest` keeps them: properly nested and in that order.
    """
    around: list[int] = []
    result = []
    for entity in nested:
        while around and around[-1] <= entity.start:
            around.pop()
        around.append(entity.end)
        result.append(len(around))
    return result


def outermost(nested: Sequence[Entity]) -> list[Entity]:
    """The entities inside no other; of several labels on one extent the first.

    Args:
        nested: As `nest` keeps them: properly nested and in that order.
    """
    return [entity for entity, depth in zip(nested, depths(nested), strict=True) if depth == 1]


def inner(entities: Iterable[Entity]) -> set[Entity]:
    """The entities that lie inside another one: two labels on the same tokens do not lie inside one
    another."""
    entities = set(entities)
    reach, inside = -1, set()
    for start, minus_end in sorted({(e.start, -e.end) for e in entities}):
        if -minus_end <= reach:
            inside.add((start, -minus_end))
        reach = max(reach, -minus_end)
    return {e for e in entities if (e.start, e.end) in inside}
