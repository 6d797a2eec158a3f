"""Free generation: an answer is written without constraints and then aligned with the source. This
serves for comparison, and for models that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..answers import Repairs
from ..types import Trace
from .batches import batches
from .interfaces import Job, StepModel
from .moves import Walk, follow

_LONGEST = 16
_LEAST = 64
"""The longest answer, in token ids: `_LONGEST` for each token id of the prompt's body, plus
`_LEAST`."""


@dataclass(slots=True)
class FreeDecoder:
    """A decoder that always writes the most probable of all token ids, until the answer ends.

    It reads what was written, however broken that is, and keeps the entities that it finds in the
    source. Their probabilities are those of the legal answer with these entities.

    Attributes:
        batch_tokens: At most how many token ids of prompts a batch holds. A longer prompt makes a
            batch of its own.
        repairs: What was wrong with all answers so far.
    """

    batch_tokens: int = 1024
    repairs: Repairs = field(default=Repairs(), init=False)

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the legal derivation that is nearest to what was written, for each job, in the
        order of the jobs; None where an answer exceeds the job's limit."""
        traces: list[Trace | None] = [None] * len(jobs)
        for batch in batches(model, jobs, [len(job.body) for job in jobs], self.batch_tokens):
            asked = [i for i in batch if jobs[i].limit > 0]
            answers = write_freely(model, [jobs[i] for i in asked])
            walks: list[tuple[int, Job, Walk]] = []
            for i, ids in zip(asked, answers, strict=True):
                if len(ids) < jobs[i].limit:
                    walks.append((i, jobs[i], self._read(jobs[i], ids)))
            readable = [(i, job, walk) for i, job, walk in walks if not walk.outgrown]
            for i, trace in _traces(model, readable):
                traces[i] = trace
        return traces

    def _read(self, job: Job, ids: Sequence[int]) -> Walk:
        """Return the walk through the legal answer with the entities of a free one."""
        entities, repairs = job.read(ids)
        unended = 1 if len(ids) == longest(job) else 0
        self.repairs += repairs + Repairs(unended=unended)
        return follow(job.grammar, job.grammar.derive(entities), job.encode, job.limit)


def write_freely(model: StepModel, jobs: Sequence[Job]) -> list[list[int]]:
    """Return the token ids that a model writes after the prompts of a batch, without the one that
    ends an answer."""
    answers: list[list[int]] = [[] for _ in jobs]
    if not jobs:
        return answers
    session = model.session(jobs[0].prefix, len(jobs))
    active = list(range(len(jobs)))
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
        active = [active[row] for row in going]
        chunks = [[best[row]] for row in going]


def longest(job: Job) -> int:
    """Return the greatest number of token ids that an answer may have, as a model need not end it.
    It is enough for a list of JSON objects that names every second word."""
    return int(min(_LONGEST * len(job.body) + _LEAST, job.limit))


def _traces(
    model: StepModel, answers: Sequence[tuple[int, Job, Walk]]
) -> Iterator[tuple[int, Trace]]:
    """Yield the number and the derivation of each answer, with the probabilities of its decisions.
    All answers are read in one pass."""
    if not answers:
        return
    _, job, _ = answers[0]
    session = model.session(job.prefix, len(answers))
    hidden = session.extend([job.body + walk.ids for _, job, walk in answers])
    for row, (i, job, walk) in enumerate(answers):
        if not walk.decisions:
            yield i, walk.trace(())
            continue
        places = [len(job.body) - 1 + decision.position for decision in walk.decisions]
        choices = [decision.choices for decision in walk.decisions]
        yield i, walk.trace(model.log_probs(hidden[row, places], choices).numpy())
