"""The engine of this package: it reads the questions about many jobs in common forward passes, each
of them on from what its row has read before."""

from __future__ import annotations

import logging
import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from time import perf_counter
from typing import NamedTuple

import torch

from ..decoding.interfaces import Decoding, Job, Reply
from ..decoding.marks import Plan
from ..types import Trace
from .batches import batches, fullest
from .dialogue import Dialogue
from .steps import Session, Steps
from .writing import write_freely

_FULL = 1 / 4
"""The share of the budget that a pass must fill as long as batches wait."""

_HELD = 2
"""At most how many rows are held in memory for each active one. The others have finished, or went
on in another session."""

_logger = logging.getLogger("spacy_genner")


class SessionEngine:
    """An engine on a step model.

    Args:
        steps: The step model.

    Attributes:
        passes: The number of passes for questions so far.
        token_ids: The number of token ids that these passes have read, without padding.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.passes = 0
        self.token_ids = 0

    @property
    def copies_first(self) -> bool:
        """Whether the first question about a job should guess a plain copy of its source."""
        return self._steps.copies_first

    def run(
        self, jobs: Sequence[Job], decodings: Sequence[Decoding], batch_tokens: int
    ) -> list[Trace | None]:
        """Answer the questions of all decodings, until each has ended; see `Engine`.

        If a GPU runs out of memory, what is left is read with half as many token ids at once.
        """
        budget = batch_tokens
        dialogues = [Dialogue(job, decoding) for job, decoding in zip(jobs, decodings, strict=True)]
        while waiting := [dialogue for dialogue in dialogues if not dialogue.ended]:
            for dialogue in waiting:
                dialogue.restart()
            sizes = [len(dialogue.chunk) for dialogue in waiting]
            indices = batches(self._steps, [dialogue.job for dialogue in waiting], sizes, budget)
            groups = [[waiting[n] for n in batch] for batch in indices]
            try:
                self._answer_all(groups, budget)
            except torch.OutOfMemoryError:
                if len(groups) == len(waiting):
                    raise
                budget //= 2
                warnings.warn(
                    f"out of memory: going on with batch_tokens = {budget}; set it to this or less",
                    stacklevel=3,
                )
        return [dialogue.trace for dialogue in dialogues]

    def write(self, jobs: Sequence[Job], most: Sequence[int], batch_tokens: int) -> list[list[int]]:
        """Write freely; see `Engine`. Batches hold at most `batch_tokens` token ids of prompts."""
        answers: dict[int, list[int]] = {}
        for batch in batches(self._steps, jobs, [len(job.body) for job in jobs], batch_tokens):
            asked = [jobs[i] for i in batch]
            written = write_freely(self._steps, asked, [most[i] for i in batch])
            answers |= zip(batch, written, strict=True)
        return [answers[i] for i in range(len(jobs))]

    def _answer_all(self, batches: Sequence[Sequence[Dialogue]], budget: int) -> None:
        """Carry dialogues to their ends. A new batch begins whenever the active rows do not fill a
        pass."""
        waiting = deque(batches)
        active: list[_Row] = []
        while active or waiting:
            group = fullest([len(row.dialogue.chunk) for row in active], budget)
            if waiting and sum(len(active[n].dialogue.chunk) for n in group) < budget * _FULL:
                dialogues = waiting.popleft()
                session = self._steps.session(dialogues[0].job.prefix, len(dialogues))
            else:
                dialogues = [active[n].dialogue for n in group]
                session = self._gathered([active[n] for n in group])
                active = [active[n] for n in sorted(set(range(len(active))) - set(group))]
            self._answer(session, dialogues)
            active += _unfinished(dialogues, session)
            held = sum(session.rows for session in {row.session for row in active})
            if active and held > _HELD * len(active):
                session = self._gathered(active)
                active = _unfinished([row.dialogue for row in active], session)

    def _answer(self, session: Session, dialogues: Sequence[Dialogue]) -> None:
        """Read what the rows of a session have not read of their questions, in one pass, and answer
        all of them."""
        began = perf_counter()
        read = sum(len(dialogue.chunk) for dialogue in dialogues)
        hidden = session.extend([dialogue.chunk for dialogue in dialogues])
        plans: list[Plan] = []
        if any(dialogue.question.propose for dialogue in dialogues):
            plans = session.expect([dialogue.job.words for dialogue in dialogues])
        places = [(row, place) for row, one in enumerate(dialogues) for place in one.places]
        choices = [ids for dialogue in dialogues for ids in dialogue.question.choices]
        rows, columns = zip(*places, strict=True)
        log_probs = self._steps.log_probs(hidden[rows, columns], choices).numpy()
        unused, end = list[int](), 0
        for dialogue, plan in zip_longest(dialogues, plans):
            start, end = end, end + len(dialogue.places)
            proposed = plan if dialogue.question.propose else None
            unused.append(dialogue.answer(Reply(log_probs[start:end], proposed)))
        session.drop(unused)
        self.passes += 1
        self.token_ids += read
        seconds = perf_counter() - began
        _logger.debug("pass: %d rows, %d token ids, %.4f s", len(dialogues), read, seconds)

    def _gathered(self, rows: Sequence[_Row]) -> Session:
        """Return a session of the given rows, in this order."""
        session: Session = self._steps.gather([(row.session, row.row) for row in rows])
        return session


class _Row(NamedTuple):
    """A dialogue that goes on, and the session and the row in it that have read its part so far."""

    dialogue: Dialogue
    session: Session
    row: int


def _unfinished(dialogues: Iterable[Dialogue], session: Session) -> list[_Row]:
    """Return the rows of a session that have to read on, given its dialogues."""
    return [
        _Row(dialogue, session, row) for row, dialogue in enumerate(dialogues) if not dialogue.ended
    ]
