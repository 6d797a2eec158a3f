"""Several sequences behind their common prefix in a row: training reads the prefix once a row, and
little padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

_ROW = 256
"""Bodies of a row, in ids. Longer rows save more prefixes, and lose more to attention between
strangers, masked out."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of rows, each a prefix and bodies behind it.

    Attributes:
        ids, positions: Rows × row length. Every body begins at the position behind its prefix.
        visible: Which ids each may read, as far as attention reaches: the prefix and its own body;
            the prefix reads itself only. Rows × length × length.
        places: The row of each body and where it begins there.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor
    places: list[tuple[int, int]]


def pack(
    prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]], device: torch.device
) -> Packed:
    """Put bodies, each behind its prefix, into as few rows as first-fit finds, the longest
    first."""
    rows: list[list[int]] = []
    filled: list[int] = []
    capacity = max(_ROW, *map(len, bodies))
    for i in sorted(range(len(bodies)), key=lambda i: -len(bodies[i])):
        for row, members in enumerate(rows):
            shared = prefixes[members[0]] == prefixes[i]
            if shared and filled[row] + len(bodies[i]) <= len(prefixes[i]) + capacity:
                break
        else:
            row = len(rows)
            rows.append([])
            filled.append(len(prefixes[i]))
        rows[row].append(i)
        filled[row] += len(bodies[i])
    length = max(filled)
    ids, positions = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(2))
    owners = torch.full((len(rows), length), -1)  # of the padding
    places = [(0, 0)] * len(bodies)
    for row, members in enumerate(rows):
        prefix = prefixes[members[0]]
        start = len(prefix)
        ids[row, :start], positions[row, :start], owners[row, :start] = (
            torch.tensor(prefix),
            torch.arange(start),
            0,
        )
        for owner, i in enumerate(members, 1):
            end = start + len(bodies[i])
            ids[row, start:end] = torch.tensor(bodies[i])
            positions[row, start:end] = torch.arange(len(prefix), len(prefix) + end - start)
            owners[row, start:end] = owner
            places[i] = (row, start)
            start = end
    owners = owners.to(device)
    visible = (owners[:, :, None] == owners[:, None, :]) | (owners == 0)[:, None, :]
    return Packed(ids.to(device), positions.to(device), visible, places)
