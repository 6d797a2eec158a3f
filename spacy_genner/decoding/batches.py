"""Batches of jobs that share a prefix and are about as long as one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from .interfaces import Job, StepModel


def batches(
    model: StepModel, jobs: Sequence[Job], sizes: Sequence[int], budget: int
) -> Iterator[list[int]]:
    """Indices of jobs, the shortest first.

    Args:
        sizes: The number of ids that each job reads at first, behind its prefix.
        budget: How many ids a batch reads at most, padding and prefixes that are not shared
            included; a longer single job makes a batch of its own.
    """
    by_prefix = defaultdict[tuple[int, ...], list[int]](list)
    for i, job in enumerate(jobs):
        by_prefix[job.prefix].append(i)
    for prefix, indices in by_prefix.items():
        batch: list[int] = []
        for i in sorted(indices, key=lambda i: sizes[i]):
            if batch and (len(batch) + 1) * (model.unshared(prefix) + sizes[i]) > budget:
                yield batch
                batch = []
            batch.append(i)
        yield batch
