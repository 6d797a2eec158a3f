"""What the sections of the benchmark on a GPU work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, islice

import torch
from systems.base import Task
from systems.recorded import Recorded
from systems.shaped import Shaped, random_network

network_of = lru_cache(maxsize=1)(random_network)
"""The last one is kept: the next cell is likely to ask for it again."""


@dataclass(frozen=True)
class Setting:
    """Sizes, where there are several the most telling first.

    Attributes:
        shapes: Of the networks, names of `SHAPES`.
        batches: How many sentences are decoded at once.
        written: Those of the batches at which `generate` is timed as well.
        few: How many sentences are decoded at least, however small the batch.
        step: Sentences of a step of training.
        scarce: Shapes for which memory runs out, and how many sentences they decode.
        rows, lengths: Of timed passes, in ids.
    """

    recorded: Recorded
    device: torch.device
    dtype: torch.dtype
    shapes: Sequence[str]
    batches: Sequence[int]
    written: Sequence[int]
    few: int
    step: int
    scarce: Sequence[str]
    decoded: int
    rows: Sequence[int]
    lengths: Sequence[int]

    def tasks(self, count: int) -> list[Task]:
        """So many sentences, the shortest first; they are repeated if there are fewer."""
        return sorted(
            islice(cycle(self.recorded.tasks), count), key=lambda task: len(task.job.body)
        )

    def shaped(self, shape: str, dtype: torch.dtype | None = None) -> Shaped:
        """A network that replays the recording."""
        return Shaped.of(self.recorded, network_of(shape, dtype or self.dtype, self.device))
