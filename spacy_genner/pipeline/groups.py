"""Cutting a stream into groups of a limited size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def groups(
    items: Iterable[Item], length: Callable[[Item], int], words: float, most: float
) -> Iterator[list[Item]]:
    """Yield items in groups, in order. A group is complete as soon as it has enough words or items.

    Args:
        length: Returns the number of words of an item.
        words: How many words are enough.
        most: How many items are enough.
    """
    group, size = list[Item](), 0
    for item in items:
        group.append(item)
        size += length(item)
        if size >= words or len(group) >= most:
            yield group
            group, size = [], 0
    if group:
        yield group
