"""A random part of a corpus."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def sample(items: Sequence[T], limit: int | None, seed: int) -> list[T]:
    """Draw items at random, and return them in their original order.

    Args:
        items: The items to draw from.
        limit: The maximum number of items; None for all.
        seed: The seed of the draw.
    """
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index] for index in sorted(random.Random(seed).sample(range(len(items)), limit))]
