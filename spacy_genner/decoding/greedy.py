"""The reference decoder: the best child at each branching node, one after another. Everything faster must equal it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..types import Trace
from .model import Job, StepModel
from .moves import Walk


@dataclass(frozen=True, slots=True)
class GreedyDecoder:
    """Decodes token by token.

    batch_tokens: How many ids of prompts a batch holds at most; a longer single prompt makes a batch of its own.
    """

    batch_tokens: int = 2048

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace]:
        """The most probable move at each state, for each job, in the order of the jobs. Ties go to the earlier move."""
        traces: dict[int, Trace] = {}
        for batch in self._batches(jobs):
            traces |= zip(batch, _decode(model, [jobs[i] for i in batch]), strict=True)
        return [traces[i] for i in range(len(jobs))]

    def _batches(self, jobs: Sequence[Job]) -> list[list[int]]:
        """Indices of jobs with one prefix and about one length."""
        batches: list[list[int]] = []
        by_prefix = defaultdict[tuple[int, ...], list[int]](list)
        for i, job in enumerate(jobs):
            by_prefix[job.prefix].append(i)
        for indices in by_prefix.values():
            batch: list[int] = []
            for i in sorted(indices, key=lambda i: len(jobs[i].body)):
                if batch and (len(batch) + 1) * len(jobs[i].body) > self.batch_tokens:
                    batches.append(batch)
                    batch = []
                batch.append(i)
            batches.append(batch)
        return batches


def _decode(model: StepModel, jobs: Sequence[Job]) -> list[Trace]:
    walks = [Walk(job.grammar, job.encode) for job in jobs]
    active = [i for i, walk in enumerate(walks) if walk.choices]
    if not active:
        return [tuple(walk.steps) for walk in walks]
    session = model.session(jobs[0].prefix, len(active))
    chunks = [[*jobs[i].body, *walks[i].ids] for i in active]
    while True:
        hidden = session.extend(chunks)
        last = hidden[torch.arange(len(active)), [len(chunk) - 1 for chunk in chunks]]
        log_probs = model.log_probs(last, [walks[i].choices for i in active])
        best = log_probs.argmax(dim=1).tolist()
        read = [len(walks[i].ids) for i in active]
        for i, choice, row in zip(active, best, log_probs.tolist(), strict=True):
            walks[i].choose(choice, row[choice])
        rows = [row for row, i in enumerate(active) if walks[i].choices]
        if not rows:
            return [tuple(walk.steps) for walk in walks]
        chunks = [walks[active[row]].ids[read[row] :] for row in rows]
        if len(rows) < len(active):
            session.keep(rows)
        active = [active[row] for row in rows]
