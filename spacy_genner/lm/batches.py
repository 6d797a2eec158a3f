"""Which jobs, and which rows, are read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..decoding.interfaces import Job
from .steps import Steps

_PASS = 32
"""The cost of a pass apart from its token ids, as a number of token ids."""


def batches(
    model: Steps, jobs: Sequence[Job], sizes: Sequence[int], budget: int
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


def fullest(lengths: Sequence[int], budget: int) -> list[int]:
    """Return the largest group of rows of similar length, as indices: reading them together costs
    less padding than a pass of their own would cost.

    Args:
        lengths: How many token ids each row reads.
        budget: At most how many token ids a group reads, including padding. A row that is longer
            than that makes a group of its own.
    """
    groups: list[list[int]] = []
    spare = 0  # how many token ids of padding the last group may still take
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        longest = lengths[groups[-1][0]] if groups else 0
        spare -= longest - lengths[n]
        if groups and spare >= 0 and (len(groups[-1]) + 1) * longest <= budget:
            groups[-1].append(n)
        else:
            groups.append([n])
            spare = _PASS
    return max(groups, key=lambda group: sum(lengths[n] for n in group), default=[])
