"""Free generation: what a model writes without constraints, aligned with the source. For comparison, and for models
that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..answers import Repairs
from ..types import Trace
from .batches import batches
from .model import Job, StepModel
from .moves import Walk, follow

_LONGEST = 16
"""How many times as long as its prompt an answer may become, in ids, …"""
_LEAST = 64
"""… and what is added to that."""


@dataclass(slots=True)
class FreeDecoder:
    """Writes the best id of all, one after another, up to the end of the answer; reads what was written, however
    broken; and says the entities that are found in the source, with the probabilities of this legal answer.

    batch_tokens: How many ids of prompts a batch holds at most; a longer single prompt makes a batch of its own.
    repairs: What was wrong with all answers so far.
    """

    batch_tokens: int = 1024
    repairs: Repairs = field(default=Repairs(), init=False)

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace]:
        """The legal derivation that is nearest to what was written, for each job, in the order of the jobs."""
        traces: dict[int, Trace] = {}
        for batch in batches(model, jobs, [len(job.body) for job in jobs], self.batch_tokens):
            some = [jobs[i] for i in batch]
            walks = [self._read(job, ids) for job, ids in zip(some, write(model, some), strict=True)]
            traces |= zip(batch, _traces(model, some, walks), strict=True)
        return [traces[i] for i in range(len(jobs))]

    def _read(self, job: Job, ids: Sequence[int]) -> Walk:
        entities, repairs = job.read(ids)
        self.repairs += repairs + Repairs(unended=len(ids) == longest(job))
        return follow(job.grammar, job.grammar.derive(entities), job.encode)


def write(model: StepModel, jobs: Sequence[Job]) -> list[list[int]]:
    """What a model writes behind the prompts of a batch, without the id that ends it."""
    answers = list[list[int]]([] for _ in jobs)
    session, active = model.session(jobs[0].prefix, len(jobs)), list(range(len(jobs)))
    chunks = [job.body for job in jobs]
    while True:
        hidden = session.extend(chunks)
        best = model.best(hidden[range(len(chunks)), [len(chunk) - 1 for chunk in chunks]])
        going = [row for row, i in enumerate(active) if best[row] != jobs[i].end and len(answers[i]) < longest(jobs[i])]
        for row in going:
            answers[active[row]].append(best[row])
        if not going:
            return answers
        if len(going) < len(active):
            session = model.gather([(session, row) for row in going])
        active, chunks = [active[row] for row in going], [[best[row]] for row in going]


def longest(job: Job) -> int:
    """How many ids an answer may have, for a model need not end: enough for a list of JSON objects that names every
    second word."""
    return _LONGEST * len(job.body) + _LEAST


def _traces(model: StepModel, jobs: Sequence[Job], walks: Sequence[Walk]) -> list[Trace]:
    """Derivations with the probabilities of their decisions, in one pass."""
    hidden = model.session(jobs[0].prefix, len(jobs)).extend(
        [job.body + walk.ids for job, walk in zip(jobs, walks, strict=True)]
    )
    traces = []
    for row, (job, walk) in enumerate(zip(jobs, walks, strict=True)):
        places = [len(job.body) - 1 + decision.position for decision in walk.decisions]
        choices = [decision.choices for decision in walk.decisions]
        logs = model.log_probs(hidden[row, places], choices).tolist() if choices else []
        traces.append(walk.trace([log[d.chosen] for log, d in zip(logs, walk.decisions, strict=True)]))
    return traces
