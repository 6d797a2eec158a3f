"""Speculative decoding: an answer is a copy of the source with marks, so that a draft of all of it
can be verified in one pass.

Each pass reads the rest of the answer as drafted, and asks for all decisions on its way.
Related methods:

- Aggressive decoding (arXiv 2106.04970, 2205.10350) begins in the same way, but goes on token by
  token after a difference.
- Sidetrack decoding ("Don't Rewrite My Text", OpenReview MtyXaOjlUa) inserts marks into a verbatim
  copy of the text.
- Just Pass Twice (arXiv 2604.05158) reads the text twice and classifies its tokens, instead of
  writing an answer.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import NamedTuple

import torch

from ..types import Trace
from .batches import batches
from .draft import Draft
from .interfaces import Job, Session, StepModel
from .marks import Plan


@dataclass(frozen=True, slots=True)
class SpeculativeDecoder:
    """A decoder that finds in a few passes what the greedy decoder finds token by token.

    Attributes:
        batch_tokens: At most how many token ids a pass reads, including padding. A job that is
            larger than that is read in a batch of its own. If a GPU runs out of memory, the
            remaining jobs of that call are read with half as many.
    """

    batch_tokens: int = 1024

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the derivation with the most probable child at each branching node, for each job,
        in the order of the jobs; None where it would exceed the job's limit. Of equally probable
        children, the first is taken."""
        budget = self.batch_tokens
        drafts = [self._draft(job) for job in jobs]
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
                warnings.warn(
                    f"out of memory: going on with batch_tokens = {budget}; set it to this or less",
                    stacklevel=2,
                )
        return [
            None if draft.walk.outgrown else draft.walk.trace(draft.log_probs) for draft in drafts
        ]

    def _draft(self, job: Job) -> Draft:
        return Draft(job)


class ActiveRow(NamedTuple):
    """An unfinished answer, and the session and row that have read it so far."""

    draft: Draft
    session: Session
    row: int


def _decode(model: StepModel, batches: Sequence[Sequence[Draft]], budget: int) -> None:
    """Settle drafts. A new batch begins whenever the active rows do not fill a pass."""
    waiting = deque(batches)
    active: list[ActiveRow] = []
    while active or waiting:
        group = fullest([len(row.draft.chunk) for row in active], budget)
        if waiting and sum(len(active[n].draft.chunk) for n in group) < budget * _FULL:
            drafts = waiting.popleft()
            session = model.session(drafts[0].job.prefix, len(drafts))
            hidden = session.extend([draft.chunk for draft in drafts])
            plans = session.expect([draft.job.words for draft in drafts])
        else:
            drafts = [active[n].draft for n in group]
            session = _gathered(model, [active[n] for n in group])
            active = [active[n] for n in sorted(set(range(len(active))) - set(group))]
            hidden = session.extend([draft.chunk for draft in drafts])
            plans = []
        session.drop(_settle(model, hidden, drafts, plans))
        active += _unfinished(drafts, session)
        held = sum(session.rows for session in {row.session for row in active})
        if active and held > _HELD * len(active):
            session = _gathered(model, active)
            active = _unfinished([row.draft for row in active], session)


def _gathered(model: StepModel, rows: Sequence[ActiveRow]) -> Session:
    """Return a session of the given rows, in this order."""
    return model.gather([(row.session, row.row) for row in rows])


def _unfinished(drafts: Iterable[Draft], session: Session) -> list[ActiveRow]:
    """Return the rows of a session that have to read on, given its drafts."""
    return [
        ActiveRow(draft, session, row) for row, draft in enumerate(drafts) if not draft.finished
    ]


def _settle(
    model: StepModel, hidden: torch.Tensor, drafts: Sequence[Draft], plans: Sequence[Plan]
) -> list[int]:
    """Ask the model for all open decisions at once, and settle each draft.

    Args:
        hidden: The hidden states of the drafts' chunks, rows × longest chunk × width.
        plans: What the draft head expects of each row; empty without a draft head.

    Returns:
        For each row, the number of token ids that it read but that are not part of its answer.
    """
    asked = [(row, *question) for row, draft in enumerate(drafts) for question in draft.asked()]
    rows, places, choices = zip(*asked, strict=True)
    log_probs = model.log_probs(hidden[rows, places], choices)
    chosen = zip(log_probs.numpy(), log_probs.argmax(dim=1).tolist(), strict=True)
    return [
        draft.settle(list(islice(chosen, len(draft.asked()))), plan)
        for draft, plan in zip_longest(drafts, plans)
    ]


_FULL = 1 / 4
"""The share of the budget that a pass must fill as long as batches wait."""

_HELD = 2
"""At most how many rows are held in memory for each active one. The others have finished, or went
on in another session."""

_PASS = 32
"""The cost of a pass apart from its token ids, as a number of token ids."""


def fullest(lengths: Sequence[int], budget: int) -> list[int]:
    """Return the largest group of rows of similar length, as indices: reading them together costs
    less padding than a pass of their own would cost.

    Args:
        lengths: How many token ids each row reads.
        budget: At most how many token ids a group reads, including padding. A row that is longer
            than that makes a group of its own.
    """
    groups: list[list[int]] = []
    spare = 0  # how many token ids of padding the last group may still take
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        longest = lengths[groups[-1][0]] if groups else 0
        spare -= longest - lengths[n]
        if groups and spare >= 0 and (len(groups[-1]) + 1) * longest <= budget:
            groups[-1].append(n)
        else:
            groups.append([n])
            spare = _PASS
    return max(groups, key=lambda group: sum(lengths[n] for n in group), default=[])
