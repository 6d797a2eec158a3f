"""Packing of several sequences into a row after the prefix that they share, so that training reads
the prefix once for each row, and little padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

_ROW = 256
"""At most how many token ids of bodies a row has, unless one body is longer. Longer rows save more
prefixes, but waste more on attention between bodies, which is masked out."""


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
    rows = _first_fit(prefixes, bodies)
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


def _first_fit(
    prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Distribute bodies over rows: the longest first, each to the first row with its prefix that
    has room for it, or else to a new row.

    Returns:
        For each row, the indices of its bodies.
    """
    rows: list[list[int]] = []
    free: list[int] = []
    capacity = max(_ROW, *map(len, bodies))
    for index in sorted(range(len(bodies)), key=lambda index: -len(bodies[index])):
        for row, members in enumerate(rows):
            if len(bodies[index]) <= free[row] and prefixes[members[0]] == prefixes[index]:
                break
        else:
            row = len(rows)
            rows.append([])
            free.append(capacity)
        rows[row].append(index)
        free[row] -= len(bodies[index])
    return rows
