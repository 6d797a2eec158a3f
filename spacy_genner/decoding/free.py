"""Free generation: an answer is written without constraints and then aligned with the source. This
serves for comparison, and for models that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..answers import Repairs
from ..types import Trace
from .interfaces import Decoding, Engine, Job, Question
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
        batch_tokens: At most how many token ids of prompts a batch holds.
        repairs: What was wrong with all answers so far.
    """

    batch_tokens: int = 1024
    repairs: Repairs = field(default=Repairs(), init=False)

    def __call__(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the legal derivation that is nearest to what was written, for each job, in the
        order of the jobs; None where an answer exceeds the job's limit."""
        answers = engine.write(jobs, list(map(longest, jobs)), self.batch_tokens)
        walks = [self._read(job, ids) for job, ids in zip(jobs, answers, strict=True)]
        decodings = [_decode(job, walk) for job, walk in zip(jobs, walks, strict=True)]
        return engine.run(jobs, decodings, self.batch_tokens)

    def _read(self, job: Job, ids: Sequence[int]) -> Walk | None:
        """Return the walk through the legal answer with the entities of a free one; None if one of
        the two exceeds the job's limit."""
        if len(ids) >= job.limit:
            return None
        entities, repairs = job.read(ids)
        unended = 1 if len(ids) == longest(job) else 0
        self.repairs += repairs + Repairs(unended=unended)
        walk = follow(job.grammar, job.grammar.derive(entities), job.encode, job.limit)
        return None if walk.outgrown else walk


def _decode(job: Job, walk: Walk | None) -> Decoding:
    """Ask for the probabilities of a walk's decisions."""
    if walk is None:
        return None
    if not walk.decisions:
        return walk.trace(())
    places = [len(job.body) + decision.position for decision in walk.decisions]
    choices = [decision.choices for decision in walk.decisions]
    reply = yield Question((job.body + walk.ids)[: places[-1]], places, choices)
    return walk.trace(reply.log_probs)


def longest(job: Job) -> int:
    """Return the greatest number of token ids that an answer may have, as a model need not end it.
    It is enough for a list of JSON objects that names every second word."""
    return max(0, int(min(_LONGEST * len(job.body) + _LEAST, job.limit)))
