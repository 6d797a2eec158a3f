"""The groups that spans are in by their length in tokens, and by how deep they are nested."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set

from ..types import Entity

LENGTHS = ("1 token", "2 tokens", "3 tokens", "4 to 5 tokens", "6 or more tokens")
"""The groups by length, in the order in which they are shown."""
DEPTHS = ("depth 1", "depth 2", "depth 3 or more")
"""The groups by depth, in the order in which they are shown."""


def length_of(entity: Entity, tokens: Sequence[int]) -> str:
    """Return the group of an entity by the number of tokens that it touches.

    Args:
        entity: The entity, with character offsets.
        tokens: The character at which each token starts. What comes after a token, such as a space,
            counts as a part of it.
    """
    length = bisect_left(tokens, entity.end) - bisect_right(tokens, entity.start) + 1
    return LENGTHS[bisect_left((1, 2, 3, 5), length)]


def depths_of(entities: Set[Entity]) -> dict[Entity, str]:
    """Return the group of each entity by its depth.

    The depth is 1 plus the number of different extents that lie around the entity. So labels on the
    same tokens have the same depth, and an entity that another one crosses does not lie inside it.
    """
    deepest = len(DEPTHS) - 1
    around: list[tuple[int, int]] = []  # the extents that may lie around the current one
    names = dict[tuple[int, int], str]()
    # Longer extents come first, so that whatever lies around an extent comes before it.
    for start, end in sorted({(e.start, e.end) for e in entities}, key=lambda x: (x[0], -x[1])):
        around = [extent for extent in around if extent[1] > start]
        depth = sum(extent[1] >= end for extent in around)
        names[start, end] = DEPTHS[min(depth, deepest)]
        around.append((start, end))
    return {entity: names[entity.start, entity.end] for entity in entities}
