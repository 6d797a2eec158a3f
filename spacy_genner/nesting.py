"""Proper nesting: any two spans are disjoint, or one lies inside the other. Imports only the
standard library."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from .types import Entity, Source


def nest(
    entities: Iterable[Entity], max_depth: int | None = None
) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Split entities into a properly nested subset and the rest.

    Of two crossing spans the longer one is kept, or the earlier one if they are equally long. The
    same tokens may carry several labels, each once, which nest in the order in which they were
    given. The depth of a span is the number of kept spans around it, plus 1.

    Args:
        entities: The entities in any order.
        max_depth: The greatest depth that is kept, at least 1; None for any depth.

    Returns:
        The kept entities, sorted by start with longer ones first, and each of the others with the
        reason why it was left out: "empty", "duplicate", "crossing" or "too deep".

    Raises:
        ValueError: If `max_depth` is less than 1.
    """
    if max_depth is not None and max_depth < 1:
        raise ValueError(
            f"max_depth = {max_depth} would keep no span: give 1 or more, or None for any depth"
        )
    kept, rest = _split(sorted(entities, key=lambda e: (e.start - e.end, e.start)), max_depth)
    return sorted(kept, key=lambda e: (e.start, -e.end)), rest


def _split(
    longest_first: Iterable[Entity], max_depth: int | None
) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Keep the entities that nest properly with those kept before them, and explain the others."""
    kept: list[Entity] = []
    rest: list[tuple[Entity, str]] = []
    seen: set[Entity] = set()
    starts: list[int] = []  # of the kept entities, in ascending order
    ends: list[int] = []
    for entity in longest_first:
        # Every span kept so far is at least as long as this one. Therefore it crosses this one if
        # it starts or ends strictly inside; otherwise it lies around this one or apart from it.
        start_at = bisect_right(starts, entity.start)  # how many start before this one or with it
        end_at = bisect_right(ends, entity.start)  # how many end before this one
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
    return kept, rest


def nest_best(entities: Iterable[Entity], max_depth: int | None = None) -> list[Entity]:
    """Return a properly nested subset of entities, sorted. Of those that cannot be kept together,
    because they are equal, cross, or would nest too deep, the ones with the highest scores stay.

    Args:
        entities: The entities in any order.
        max_depth: The greatest depth that is kept, at least 1; None for any depth.

    Raises:
        ValueError: If `max_depth` is less than 1.
    """
    entities = sorted(entities)
    if not nest(entities, max_depth)[1]:
        return entities
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda e: -e.score):
        if not nest([*kept, entity], max_depth)[1]:
            kept.append(entity)
    return sorted(kept)


def _below(positions: list[int], at: int, limit: int) -> bool:
    """Return whether there is a position at an index, and it is below a limit."""
    return at < len(positions) and positions[at] < limit


def within_sentences(
    entities: Iterable[Entity], source: Source
) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Split entities into those that cross no known start of a sentence, and the others, each with
    the reason "across sentences"."""
    bounds = source.bounds()
    kept: list[Entity] = []
    rest: list[tuple[Entity, str]] = []
    for entity in entities:
        if 0 <= entity.start < len(source) and bounds[entity.start] < entity.end <= len(source):
            rest.append((entity, "across sentences"))
        else:
            kept.append(entity)
    return kept, rest


def depths(nested: Sequence[Entity]) -> list[int]:
    """Return the depth of each entity, which is 1 for an outermost one.

    Args:
        nested: Properly nested entities in the order in which `nest` returns them.
    """
    around: list[int] = []  # the ends of the entities around the current position
    result = []
    for entity in nested:
        while around and around[-1] <= entity.start:
            around.pop()
        around.append(entity.end)
        result.append(len(around))
    return result


def outermost(nested: Sequence[Entity]) -> list[Entity]:
    """Return the entities that lie inside no other one; of several labels on the same tokens, the
    first.

    Args:
        nested: Properly nested entities in the order in which `nest` returns them.
    """
    return [entity for entity, depth in zip(nested, depths(nested), strict=True) if depth == 1]


def inner_of_label(entities: Iterable[Entity]) -> set[Entity]:
    """Return the entities that lie inside another one of the same label."""
    by_label = defaultdict[str, list[Entity]](list)
    for entity in entities:
        by_label[entity.label].append(entity)
    return set(chain.from_iterable(map(inner, by_label.values())))


def inner(entities: Iterable[Entity]) -> set[Entity]:
    """Return the entities that lie inside another one. Entities on the same tokens do not lie
    inside one another."""
    entities = set(entities)
    extents = {(entity.start, entity.end) for entity in entities}
    inside = set[tuple[int, int]]()
    reach = -1  # the greatest end so far
    # Longer extents come first, so that whatever contains an extent comes before it.
    for start, end in sorted(extents, key=lambda extent: (extent[0], -extent[1])):
        if end <= reach:
            inside.add((start, end))
        reach = max(reach, end)
    return {entity for entity in entities if (entity.start, entity.end) in inside}
