"""The reference decoder: at each branching node the most probable child, one node after another.
Every faster decoder must give the same result."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Trace
from .batches import batches
from .interfaces import Job, StepModel
from .moves import Walk


@dataclass(frozen=True, slots=True)
class GreedyDecoder:
    """A decoder that writes an answer token by token.

    Attributes:
        batch_tokens: At most how many token ids of prompts a batch holds. A longer prompt makes a
            batch of its own.
    """

    batch_tokens: int = 1024

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the derivation with the most probable child at each branching node, for each job,
        in the order of the jobs; None where it would exceed the job's limit. Of equally probable
        children, the first is taken."""
        traces: dict[int, Trace | None] = {}
        for batch in batches(model, jobs, [len(job.body) for job in jobs], self.batch_tokens):
            traces |= zip(batch, _decode(model, [jobs[i] for i in batch]), strict=True)
        return [traces[i] for i in range(len(jobs))]


_WIDTH = 2
"""At most how many token ids a row reads in one pass, after its prompt: when one row reads a long
word, the others must not carry padding for all of it."""


def _decode(model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
    """Decode a batch."""
    walks = [Walk(job.grammar, job.encode, job.limit) for job in jobs]
    log_probs: list[list[Sequence[float]]] = [[] for _ in jobs]  # of the choices at each decision
    read = [0] * len(jobs)  # token ids of each answer that the model has read
    active = [i for i, walk in enumerate(walks) if walk.choices and not walk.outgrown]
    session = model.session(jobs[0].prefix, len(active)) if active else None
    chunks = [jobs[i].body for i in active]
    while session:
        hidden = session.extend(chunks)
        asked = [row for row, i in enumerate(active) if read[i] == len(walks[i].ids)]
        if asked:
            last = hidden[asked, [len(chunks[row]) - 1 for row in asked]]
            found = model.log_probs(last, [walks[active[row]].choices for row in asked])
            best = found.argmax(dim=1).tolist()
            for row, choice, of_choices in zip(asked, best, found.numpy(), strict=True):
                walks[active[row]].choose(choice)
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
    return [
        None if walk.outgrown else walk.trace(of_decisions)
        for walk, of_decisions in zip(walks, log_probs, strict=True)
    ]
