"""Aggressive decoding (arXiv 2106.04970), held to legal answers.

A copy of all that is left is verified in one pass. After a difference it goes on choice by choice,
until it has copied a token and can draft a copy again. What the model said after the difference is
forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

from spacy_genner.decoding.draft import Draft
from spacy_genner.decoding.interfaces import Engine, Job
from spacy_genner.decoding.speculative import SpeculativeDecoder, speculate
from spacy_genner.types import Trace


class Copies(Draft):
    """Expects copies, or nothing."""

    def _guess(self) -> None:
        moves = self.walk.moves
        between = len(self.walk.ids) == sum(len(self.job.encode(move.text)) for move in moves)
        copying = between and (not moves or moves[-1].kind == "copy")
        while self.walk.choices:
            self._choose(0)
            if not copying:
                break


class AggressiveDecoder(SpeculativeDecoder):
    """Our loop with other drafts, tried along with the prompt."""

    def __call__(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        """Decode."""
        decodings = [speculate(Copies(job), copies_first=True) for job in jobs]
        return engine.run(jobs, decodings, self.batch_tokens)
