"""Packing of several sequences into a row after the prefix that they share, so that training reads
the prefix once for each row, and little padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

import torch

_ROW = 192
"""About how many token ids of bodies a row has. Longer rows save more prefixes, but waste more on
attention between bodies, which is masked out."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of rows, each of them a prefix followed by bodies.

    Attributes:
        ids: The token ids, rows × row length, padded with zeros.
        positions: The positions of the ids, rows × row length. In every body they continue those of
            the prefix.
        visible: Which ids each id may attend to, rows × row length × row length: those of its
            prefix and of its own body, or only those of the prefix for an id of the prefix.
        places: For each body, its row and where it begins in that row.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor
    places: list[tuple[int, int]]


def pack(
    prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]], device: torch.device
) -> Packed:
    """Put bodies, each of them after its prefix, into few rows."""
    rows = _balanced(prefixes, bodies)
    length = max(
        len(prefixes[members[0]]) + sum(len(bodies[index]) for index in members) for members in rows
    )
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.zeros_like(ids)
    owners = torch.full_like(ids, -1)  # 0 in the prefix, 1, 2, … in the bodies, -1 in the padding
    places = [(0, 0)] * len(bodies)
    for row, members in enumerate(rows):
        prefix = prefixes[members[0]]
        start = len(prefix)
        ids[row, :start] = torch.tensor(prefix)
        positions[row, :start] = torch.arange(start)
        owners[row, :start] = 0
        for owner, index in enumerate(members, 1):
            body = bodies[index]
            end = start + len(body)
            ids[row, start:end] = torch.tensor(body)
            positions[row, start:end] = torch.arange(len(prefix), len(prefix) + len(body))
            owners[row, start:end] = owner
            places[index] = (row, start)
            start = end
    owners = owners.to(device)
    visible = (owners[:, :, None] == owners[:, None, :]) | (owners == 0)[:, None, :]
    return Packed(ids.to(device), positions.to(device), visible, places)


def _balanced(
    prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Distribute bodies over rows of nearly the same length: the longest first, each to the
    shortest row with its prefix.

    Returns:
        For each row, the indices of its bodies.
    """
    sharing: dict[Sequence[int], list[int]] = {}
    for index, prefix in enumerate(prefixes):
        sharing.setdefault(tuple(prefix), []).append(index)
    capacity = max(_ROW, *map(len, bodies))
    rows: list[list[int]] = []
    for members in sharing.values():
        total = sum(len(bodies[index]) for index in members)
        number = max(1, -(-total // capacity))  # all bodies may be empty
        heap: list[tuple[int, list[int]]] = [(0, []) for _ in range(number)]
        for index in sorted(members, key=lambda index: -len(bodies[index])):
            length, row = heap[0]
            row.append(index)
            heapreplace(heap, (length + len(bodies[index]), row))
        rows += [row for _, row in heap]
    return rows
