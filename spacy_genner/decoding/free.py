"""Free generation: what a model writes without constraints, aligned with the source. For
comparison, and for models that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..answers import Repairs
from ..types import Trace
from .batches import batches
from .interfaces import Job, StepModel
from .moves import Walk, follow

_LONGEST = 16
"""How many times as long as its prompt an answer may become, in ids, …"""
_LEAST = 64
"""… and what is added to that."""


@dataclass(slots=True)
class FreeDecoder:
    """Writes the best id of all, one after another, up to the end of the answer; reads what was
    written, however broken; and says the entities that are found in the source, with the
    probabilities of this legal answer.

    Attributes:
        batch_tokens: How many ids of prompts a batch holds at most; a longer single prompt makes a
            batch of its own.
        repairs: What was wrong with all answers so far.
    """

    batch_tokens: int = 1024
    repairs: Repairs = field(default=Repairs(), init=False)

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """The legal derivation that is nearest to what was written, for each job, in the order of
        the jobs."""
        traces: list[Trace | None] = [None] * len(jobs)
        for batch in batches(model, jobs, [len(job.body) for job in jobs], self.batch_tokens):
            asked = [i for i in batch if jobs[i].limit > 0]
            written = zip(asked, write_freely(model, [jobs[i] for i in asked]), strict=True)
            walks = {i: self._read(jobs[i], ids) for i, ids in written if len(ids) < jobs[i].limit}
            for i, trace in _traces(
                model, [(i, jobs[i], walk) for i, walk in walks.items() if not walk.outgrown]
            ):
                traces[i] = trace
        return traces

    def _read(self, job: Job, ids: Sequence[int]) -> Walk:
        entities, repairs = job.read(ids)
        self.repairs += repairs + Repairs(unended=len(ids) == longest(job))
        return follow(job.grammar, job.grammar.derive(entities), job.encode, job.limit)


def write_freely(model: StepModel, jobs: Sequence[Job]) -> list[list[int]]:
    """What a model writes behind the prompts of a batch, without the id that ends it."""
    answers = list[list[int]]([] for _ in jobs)
    if not jobs:
        return answers
    session, active = model.session(jobs[0].prefix, len(jobs)), list(range(len(jobs)))
    chunks = [job.body for job in jobs]
    while True:
        hidden = session.extend(chunks)
        best = model.best(hidden[range(len(chunks)), [len(chunk) - 1 for chunk in chunks]])
        going = [
            row
            for row, i in enumerate(active)
            if best[row] != jobs[i].end and len(answers[i]) < longest(jobs[i])
        ]
        for row in going:
            answers[active[row]].append(best[row])
        if not going:
            return answers
        if len(going) < len(active):
            session = model.gather([(session, row) for row in going])
        active, chunks = [active[row] for row in going], [[best[row]] for row in going]


def longest(job: Job) -> int:
    """How many ids an answer may have, for a model need not end: enough for a list of JSON objects
    that names every second word."""
    return int(min(_LONGEST * len(job.body) + _LEAST, job.limit))


def _traces(
    model: StepModel, answers: Sequence[tuple[int, Job, Walk]]
) -> Iterator[tuple[int, Trace]]:
    """Derivations with the probabilities of their decisions, in one pass, each behind its
    number."""
    if not answers:
        return
    session = model.session(answers[0][1].prefix, len(answers))
    hidden = session.extend([job.body + walk.ids for _, job, walk in answers])
    for row, (i, job, walk) in enumerate(answers):
        places = [len(job.body) - 1 + decision.position for decision in walk.decisions]
        choices = [decision.choices for decision in walk.decisions]
        yield (
            i,
            walk.trace(model.log_probs(hidden[row, places], choices).numpy() if choices else ()),
        )
