"""A decoder that says what it was given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_genner.decoding.interfaces import Job
from spacy_genner.types import Entity, Step, Trace


@dataclass
class Says:
    """Answers each job with those of the entities that its grammar can express, with the scores
    that they have. Answers with one of the labels in `outgrown` are too long.

    It cannot give scores to entities inside one another that are closed at the same place.
    """

    entities: Sequence[Entity]
    outgrown: Iterable[str] = ()

    def __call__(self, model: Any, jobs: Sequence[Job]) -> list[Trace | None]:
        return [self._trace(job) for job in jobs]

    def _trace(self, job: Job) -> Trace | None:
        said, _ = job.grammar.expressible(self.entities)
        if {entity.label for entity in said} & set(self.outgrown):
            return None
        moves = job.grammar.derive(said)
        log_probs = [0.0] * len(moves)
        for entity, deciding in job.grammar.entities(moves):
            (same,) = (e for e in said if e == entity)
            log_probs[deciding.taken[0]] = math.log(same.score)
        return tuple(
            Step(move, log_prob, forced=False)
            for move, log_prob in zip(moves, log_probs, strict=True)
        )
