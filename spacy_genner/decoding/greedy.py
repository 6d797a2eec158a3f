"""The reference decoder: the best child at each branching node, one after another. Everything
faster must equal it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Trace
from .batches import batches
from .interfaces import Job, StepModel
from .moves import Walk


@dataclass(frozen=True, slots=True)
class GreedyDecoder:
    """Decodes token by token.

    Attributes:
        batch_tokens: How many ids of prompts a batch holds at most; a longer single prompt makes a
            batch of its own.
    """

    batch_tokens: int = 1024

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """The most probable move at each state, for each job, in the order of the jobs. Ties go to
        the earlier move."""
        traces: dict[int, Trace | None] = {}
        for batch in batches(model, jobs, [len(job.body) for job in jobs], self.batch_tokens):
            traces |= zip(batch, _decode(model, [jobs[i] for i in batch]), strict=True)
        return [traces[i] for i in range(len(jobs))]


_WIDTH = 2
"""Ids that a row reads in one pass, after its prompt: a row with more to read, a long word, must
not make all others carry padding."""


def _decode(model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
    walks = [Walk(job.grammar, job.encode, job.limit) for job in jobs]
    log_probs: list[list[Sequence[float]]] = [[] for _ in jobs]  # of the choices at each decision
    active = [i for i, walk in enumerate(walks) if walk.choices and not walk.outgrown]
    session = model.session(jobs[0].prefix, len(active)) if active else None
    chunks = [jobs[i].body for i in active]
    read = [0] * len(jobs)  # ids of the answers
    while session:
        hidden = session.extend(chunks)
        asked = [row for row, i in enumerate(active) if read[i] == len(walks[i].ids)]
        if asked:
            last = hidden[asked, [len(chunks[row]) - 1 for row in asked]]
            found = model.log_probs(last, [walks[active[row]].choices for row in asked])
            for row, best, of_choices in zip(
                asked, found.argmax(dim=1).tolist(), found.numpy(), strict=True
            ):
                walks[active[row]].choose(best)
                log_probs[active[row]].append(of_choices)
        rows = [row for row, i in enumerate(active) if walks[i].choices and not walks[i].outgrown]
        if not rows:
            break
        if len(rows) < len(active):
            session = model.gather([(session, row) for row in rows])
        active = [active[row] for row in rows]
        chunks = [walks[i].ids[read[i] : read[i] + _WIDTH] for i in active]
        for i, chunk in zip(active, chunks, strict=True):
            read[i] += len(chunk)
    pairs = zip(walks, log_probs, strict=True)
    return [None if walk.outgrown else walk.trace(of_decisions) for walk, of_decisions in pairs]
