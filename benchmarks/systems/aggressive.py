"""Aggressive decoding (arXiv 2106.04970), held to legal answers.

A copy of all that is left is verified in one pass. After a difference it goes on choice by choice,
until it has copied a token and can draft a copy again. What the model said after the difference is
forgotten.
"""

from __future__ import annotations

from spacy_genner.decoding.draft import Draft
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.speculative import SpeculativeDecoder


class Copies(Draft):
    """Expects copies, or nothing."""

    def _roll_out(self) -> None:
        moves = self.walk.moves
        between = len(self.walk.ids) == sum(len(self.job.encode(move.text)) for move in moves)
        copying = between and (not moves or moves[-1].kind == "copy")
        while self.walk.choices:
            self._choose(0)
            if not copying:
                break


class AggressiveDecoder(SpeculativeDecoder):
    """Our loop with other drafts, tried along with the prompt."""

    def _draft(self, job: Job) -> Draft:
        return Copies(job)
