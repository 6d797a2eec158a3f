"""Batches of jobs that share a prefix and are of similar length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from .interfaces import Job, StepModel


def batches(
    model: StepModel, jobs: Sequence[Job], sizes: Sequence[int], budget: int
) -> Iterator[list[int]]:
    """Yield batches as indices of jobs, for each prefix the shortest jobs first.

    Args:
        sizes: The number of token ids that each job reads in its first pass, after its prefix.
        budget: At most how many token ids a batch reads, including padding and prefixes that are
            not shared. A job that is larger than that is read in a batch of its own.
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
