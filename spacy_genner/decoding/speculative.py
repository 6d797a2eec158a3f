"""Speculative decoding: the answer is a copy of the source with marks, so a draft of all of it is verified in one pass.

A draft policy says for each branching node which child to expect: at first the first one, a copy, or what the model's
draft head proposes. Each pass reads the rest of the answer as the policy writes it, and asks for all decisions on its
way. Everything before the first difference is accepted, and the model's choice there; later choices were made behind a
wrong prefix and only teach the policy. Aggressive decoding (arXiv 2106.04970) begins so, but goes on token by token
after a difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import torch

from ..types import Trace
from .batches import batches
from .marks import Plan
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
        while unsettled := [draft for draft in drafts if not draft.finished]:
            batch: list[int] = []
            try:
                sizes = [len(draft.chunk) for draft in unsettled]
                for batch in batches([draft.job for draft in unsettled], sizes, self.batch_tokens):
                    _decode(model, [unsettled[n] for n in batch])
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                self.batch_tokens //= 2
                warnings.warn(f"out of memory: going on with batch_tokens = {self.batch_tokens}", stacklevel=2)
        return [draft.walk.trace(draft.logprobs) for draft in drafts]


class Draft:
    """What is accepted of an answer, and what is expected of the rest.

    walk: Both.
    logprobs: Of the accepted decisions.
    chunk: The ids to be read next.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.walk = Walk(job.grammar, job.encode)
        self.logprobs: list[float] = []
        self.chunk: list[int] = []
        self._offset = self._end = 0  # what to add to a position to find its place in the chunk; where the chunk ends
        self._policy: dict[Hashable, int] = {}
        self._plan: Plan | None = None
        self._keys: list[Hashable] = []  # of the decisions
        self._roll_out()
        self.restart()

    @property
    def finished(self) -> bool:
        """Whether all decisions are accepted."""
        return len(self.logprobs) == len(self.walk.decisions)

    def restart(self, with_draft: bool = True) -> None:
        """Begin a new session: read the prompt, and the answer so far, with or without what is only expected."""
        accepted = self.walk.decisions[len(self.logprobs)].position if not self.finished else 0
        self._read(self.job.body, 0, self._last if with_draft else accepted)

    def asked(self) -> list[tuple[int, list[int]]]:
        """The open decisions that the chunk leads to: where in it their hidden states are, and their choices."""
        decisions = self.walk.decisions[len(self.logprobs) :]
        return [(d.position + self._offset, d.choices) for d in decisions if d.position <= self._end]

    def settle(self, answers: Sequence[tuple[float, int]], plan: Plan | None = None) -> int:
        """Compare the draft with the model's choices, with their log-probabilities, at the decisions that were asked.
        Up to the first difference they are accepted, and another draft begins behind them; all teach the policy.

        plan: What to expect from now on. It knows better than answers behind a draft that was made without it.
        Returns: how many ids of the chunk were read in vain.
        """
        first, end = len(self.logprobs), self._end
        asked = self.walk.decisions[first : first + len(answers)]
        if plan:
            self._plan = plan
        else:
            for key, decision, (_, best) in zip(self._keys[first:], asked, answers, strict=False):
                self._policy[key] = decision.choices[best]
        wrong = next((n for n, (_, best) in enumerate(answers) if best != asked[n].chosen), None)
        self.logprobs += [logprob for logprob, _ in answers[: None if wrong is None else wrong + 1]]
        if wrong is None and self.finished:
            return 0
        self._rewind(len(self.logprobs) if wrong is None else first + wrong)
        if wrong is not None:
            end = asked[wrong].position
            self._choose(answers[wrong][1])
        self._roll_out()
        vain = self._end - end
        self._read([], end, self._last)
        return vain

    @property
    def _last(self) -> int:
        """The number of ids before the last decision."""
        return self.walk.decisions[-1].position if self.walk.decisions else 0

    def _read(self, body: list[int], start: int, end: int) -> None:
        self.chunk = body + self.walk.ids[start:end]
        self._offset, self._end = len(body) - start - 1, end

    def _rewind(self, count: int) -> None:
        self.walk.rewind(count)
        del self._keys[count:]

    def _roll_out(self) -> None:
        """Draft the rest of the answer."""
        while choices := self.walk.choices:
            known = self._policy.get(self.walk.key)
            if known in choices:
                self._choose(choices.index(known))
            else:
                self._choose(self.walk.expected(self._plan) if self._plan else 0)

    def _choose(self, index: int) -> None:
        self._keys.append(self.walk.key)
        self.walk.choose(index)


def _decode(model: StepModel, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        draft.restart(model.copies_first)
    session = model.session(drafts[0].job.prefix, len(drafts))
    hidden = session.extend([draft.chunk for draft in drafts])
    plans = session.expect([draft.job.words for draft in drafts])
    groups = [(session, hidden, drafts)]
    while groups:
        session, hidden, drafts = groups.pop()
        session.drop(_settle(model, hidden, drafts, plans))
        plans = []
        unsettled = [row for row, draft in enumerate(drafts) if not draft.finished]
        for rows in by_length(unsettled, [len(draft.chunk) for draft in drafts]):
            rest = session.select(rows)
            groups.append((rest, rest.extend([drafts[row].chunk for row in rows]), [drafts[row] for row in rows]))


def _settle(model: StepModel, hidden: torch.Tensor, drafts: Sequence[Draft], plans: Sequence[Plan]) -> list[int]:
    """Ask for all open decisions at once. Returns how many ids of each row were read in vain."""
    asked = [(row, *question) for row, draft in enumerate(drafts) for question in draft.asked()]
    rows, places, choices = zip(*asked, strict=True)
    answers = zip(*(part.tolist() for part in model.log_probs(hidden[rows, places], choices).max(dim=1)), strict=True)
    return [draft.settle(list(islice(answers, len(draft.asked()))), plan) for draft, plan in zip_longest(drafts, plans)]


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
