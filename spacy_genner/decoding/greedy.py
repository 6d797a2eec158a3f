"""The reference decoder: at each branching node the most probable child, one node after another.
Every faster decoder must give the same result."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Trace
from .interfaces import Decoding, Engine, Job, Question
from .moves import Walk


@dataclass(frozen=True, slots=True)
class GreedyDecoder:
    """A decoder that asks for one decision after another.

    Attributes:
        batch_tokens: At most how many token ids are read at once, including padding. A job that is
            larger than that is read in a batch of its own.
    """

    batch_tokens: int = 1024

    def __call__(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the derivation with the most probable child at each branching node, for each job,
        in the order of the jobs; None where it would exceed the job's limit. Of equally probable
        children, the first is taken."""
        return engine.run(jobs, [_decode(job) for job in jobs], self.batch_tokens)


def _decode(job: Job) -> Decoding:
    walk = Walk(job.grammar, job.encode, job.limit)
    log_probs: list[Sequence[float]] = []  # of the choices at each decision
    while walk.choices and not walk.outgrown:
        ids = job.body + walk.ids
        reply = yield Question(ids, [len(ids)], [walk.choices])
        [of_choices] = reply.log_probs
        walk.choose(int(of_choices.argmax()))
        log_probs.append(of_choices)
    return None if walk.outgrown else walk.trace(log_probs)
