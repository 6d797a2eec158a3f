"""Speculative decoding: the answer is a copy of the source with marks, so a draft of all of it is verified in one pass.

A draft policy says for each branching node which child to expect: at first the first one, a copy. Each pass reads the
rest of the answer as the policy writes it, and asks for all decisions on its way. Everything before the first
difference is accepted, and the model's choice there; later choices were made behind a wrong prefix and only teach the
policy. Aggressive decoding (arXiv 2106.04970) begins so, but goes on token by token after a difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from ..types import Trace
from .batches import batches
from .model import Job, StepModel
from .moves import Walk


@dataclass(slots=True)
class SpeculativeDecoder:
    """Decodes in a few passes what the greedy decoder finds token by token.

    batch_tokens: How many ids a batch reads at first at most, padding included; a longer single job makes a batch of
        its own. It is halved when a GPU runs out of memory.
    """

    batch_tokens: int = 1024

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace]:
        """The most probable move at each state, for each job, in the order of the jobs. Ties go to the earlier move."""
        drafts = [Draft(job) for job in jobs]
        while unsettled := [i for i, draft in enumerate(drafts) if draft.places]:
            batch: list[int] = []
            try:
                sizes = [len(drafts[i].chunk) for i in unsettled]
                for batch in batches([jobs[i] for i in unsettled], sizes, self.batch_tokens):
                    _decode(model, jobs[unsettled[batch[0]]].prefix, [drafts[unsettled[n]] for n in batch])
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                self.batch_tokens //= 2
                warnings.warn(f"out of memory: going on with batch_tokens = {self.batch_tokens}", stacklevel=2)
                for i in unsettled:
                    drafts[i].restart()
        return [draft.walk.trace(draft.logprobs) for draft in drafts]


class Draft:
    """What is accepted of an answer, and what is expected of the rest.

    walk: Both.
    logprobs: Of the accepted decisions.
    chunk: The ids to be read next, up to the last decision.
    """

    def __init__(self, job: Job) -> None:
        self.walk = Walk(job.grammar, job.encode)
        self.logprobs: list[float] = []
        self._policy: dict[Hashable, int] = {}
        self._keys: list[Hashable] = []  # of the decisions
        self._body = job.body
        self._roll_out()
        self.restart()

    def restart(self) -> None:
        """Read everything again, from the prompt on, in a new session."""
        self.chunk = self._body + self._read_from(0)
        self._offset = len(self._body) - 1

    @property
    def places(self) -> list[int]:
        """Where in the chunk the hidden states of the open decisions are."""
        return [decision.position + self._offset for decision in self.walk.decisions[len(self.logprobs) :]]

    @property
    def choices(self) -> list[list[int]]:
        """What there is to choose from at the open decisions."""
        return [decision.choices for decision in self.walk.decisions[len(self.logprobs) :]]

    def settle(self, bests: Sequence[int], logprobs: Sequence[float]) -> int:
        """Compare the draft with the model's choices at the open decisions. Up to the first difference they are
        accepted, and another draft begins behind them; all others teach the policy.

        Returns: how many ids of the chunk were read in vain.
        """
        first = len(self.logprobs)
        decisions = self.walk.decisions[first:]
        for key, decision, best in zip(self._keys[first:], decisions, bests, strict=True):
            self._policy[key] = decision.choices[best]
        wrong = next((n for n, best in enumerate(bests) if best != decisions[n].chosen), None)
        if wrong is None:
            self.logprobs += logprobs
            return 0
        self.logprobs += logprobs[: wrong + 1]
        self.walk.rewind(first + wrong)
        del self._keys[first + wrong :]
        self._choose(bests[wrong])
        self._roll_out()
        self.chunk = self._read_from(decisions[wrong].position)
        self._offset = -decisions[wrong].position - 1
        return decisions[-1].position - decisions[wrong].position

    def _roll_out(self) -> None:
        """Draft the rest of the answer."""
        while choices := self.walk.choices:
            expected = self._policy.get(self.walk.key)
            self._choose(choices.index(expected) if expected in choices else 0)

    def _read_from(self, position: int) -> list[int]:
        return self.walk.ids[position : self.walk.decisions[-1].position] if self.walk.decisions else []

    def _choose(self, index: int) -> None:
        self._keys.append(self.walk.key)
        self.walk.choose(index)


def _decode(model: StepModel, prefix: tuple[int, ...], drafts: Sequence[Draft]) -> None:
    groups = [(model.session(prefix, len(drafts)), drafts)]
    while groups:
        session, drafts = groups.pop()
        hidden = session.extend([draft.chunk for draft in drafts])
        asked = [(row, place) for row, draft in enumerate(drafts) for place in draft.places]
        rows, places = zip(*asked, strict=True)
        log_probs = model.log_probs(hidden[rows, places], [ids for draft in drafts for ids in draft.choices])
        answers = zip(*(part.tolist() for part in log_probs.max(dim=1)), strict=True)
        vain = []
        for draft in drafts:
            logprobs, bests = zip(*islice(answers, len(draft.places)), strict=True)
            vain.append(draft.settle(bests, logprobs))
        session.drop(vain)
        unsettled = [row for row, draft in enumerate(drafts) if draft.places]
        for group in by_length(unsettled, [len(draft.chunk) for draft in drafts]):
            groups.append((session.select(group), [drafts[row] for row in group]))


_PASS = 32
"""What a pass costs beside its ids, in ids."""


def by_length(rows: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Split rows into groups, each to be padded to its longest, so that the passes cost least in all."""
    rows = sorted(rows, key=lambda row: lengths[row])
    best: list[tuple[int, list[list[int]]]] = [(0, [])]  # for the first rows, 0, 1, 2, … of them
    for end in range(1, len(rows) + 1):
        longest = lengths[rows[end - 1]]
        cost, start = min((best[start][0] + _PASS + (end - start) * longest, start) for start in range(end))
        best.append((cost, [*best[start][1], rows[start:end]]))
    return best[-1][1]
