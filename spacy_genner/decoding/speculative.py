"""Speculative decoding: the answer is a copy of the source with marks, so a draft of all of it is
verified in one pass.

Each pass reads the rest of the answer as the draft writes it, and asks for all decisions on its
way. Aggressive decoding (arXiv 2106.04970) begins so, but goes on token by token after a
difference.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TypeAlias

import torch

from ..types import Trace
from .batches import batches
from .draft import Draft
from .interfaces import Job, Session, StepModel
from .marks import Plan


@dataclass(frozen=True, slots=True)
class SpeculativeDecoder:
    """Decodes in a few passes what the greedy decoder finds token by token.

    Attributes:
        batch_tokens: How many ids a pass reads at most, padding included; a longer single job is
            read alone. Where a GPU runs out of memory, the rest of the jobs are read with half as
            many.
    """

    batch_tokens: int = 1024

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """The most probable move at each state, for each job, in the order of the jobs. Ties go to
        the earlier move."""
        budget, drafts = self.batch_tokens, [self._draft(job) for job in jobs]
        while unsettled := [draft for draft in drafts if not draft.finished]:
            for draft in unsettled:
                draft.restart(model.copies_first)
            sizes = [len(draft.chunk) for draft in unsettled]
            indices = batches(model, [draft.job for draft in unsettled], sizes, budget)
            groups = [[unsettled[n] for n in batch] for batch in indices]
            try:
                _decode(model, groups, budget)
            except torch.OutOfMemoryError:
                if len(groups) == len(unsettled):
                    raise
                budget //= 2
                warnings.warn(f"out of memory: going on with batch_tokens = {budget}", stacklevel=2)
        return [
            None if draft.walk.outgrown else draft.walk.trace(draft.log_probs) for draft in drafts
        ]

    def _draft(self, job: Job) -> Draft:
        return Draft(job)


ActiveRow: TypeAlias = tuple[Draft, Session, int]
"""An answer under way, and where its state is."""


def _decode(model: StepModel, batches: Sequence[Sequence[Draft]], budget: int) -> None:
    """Settle drafts. The next batch enters when no pass can be filled with the rows under way."""
    waiting = deque(batches)
    rows: list[ActiveRow] = []  # under way
    while rows or waiting:
        group = fullest([len(draft.chunk) for draft, *_ in rows], budget)
        if waiting and sum(len(rows[n][0].chunk) for n in group) < budget * _FULL:
            drafts = waiting.popleft()
            session = model.session(drafts[0].job.prefix, len(drafts))
            hidden = session.extend([draft.chunk for draft in drafts])
            plans = session.expect([draft.job.words for draft in drafts])
        else:
            drafts = [rows[n][0] for n in group]
            session = model.gather([rows[n][1:] for n in group])
            rows = [rows[n] for n in sorted(set(range(len(rows))) - set(group))]
            hidden, plans = session.extend([draft.chunk for draft in drafts]), []
        session.drop(_settle(model, hidden, drafts, plans))
        rows += [(draft, session, row) for row, draft in enumerate(drafts) if not draft.finished]
        if (
            sum(session.rows for session in {session for _, session, _ in rows})
            > _HELD * len(rows)
            > 0
        ):
            session = model.gather([row[1:] for row in rows])
            rows = [(draft, session, n) for n, (draft, *_) in enumerate(rows)]


def _settle(
    model: StepModel, hidden: torch.Tensor, drafts: Sequence[Draft], plans: Sequence[Plan]
) -> list[int]:
    """Ask for all open decisions at once. Returns how many ids of each row were read in vain."""
    asked = [(row, *question) for row, draft in enumerate(drafts) for question in draft.asked()]
    rows, places, choices = zip(*asked, strict=True)
    log_probs = model.log_probs(hidden[rows, places], choices)
    chosen = zip(log_probs.numpy(), log_probs.argmax(dim=1).tolist(), strict=True)
    return [
        draft.settle(list(islice(chosen, len(draft.asked()))), plan)
        for draft, plan in zip_longest(drafts, plans)
    ]


_FULL = 1 / 4
"""How much of the budget a pass holds at least, if anything waits."""

_HELD = 2
"""How many rows are held in memory at most, for each one under way; the others have ended or read
on elsewhere."""

_PASS = 32
"""What a pass costs beside its ids, in ids."""


def fullest(lengths: Sequence[int], budget: int) -> list[int]:
    """The largest group of rows that are about as long as one another: they cost less padding than
    a pass of their own.

    Args:
        budget: How many ids a group holds at most, padding included; a longer single row makes a
            group of its own.
    """
    groups: list[list[int]] = []
    spare = 0
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        longest = lengths[groups[-1][0]] if groups else 0
        spare -= longest - lengths[n]
        if groups and spare >= 0 and (len(groups[-1]) + 1) * longest <= budget:
            groups[-1].append(n)
        else:
            groups.append([n])
            spare = _PASS
    return max(groups, key=lambda group: sum(lengths[n] for n in group), default=[])
