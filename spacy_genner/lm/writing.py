"""Writing without constraints."""

from __future__ import annotations

from collections.abc import Sequence

from ..decoding.interfaces import Job
from .steps import Steps


def write_freely(model: Steps, jobs: Sequence[Job], most: Sequence[int]) -> list[list[int]]:
    """Return the token ids that a model writes after the prompts of a batch, without the one that
    ends an answer.

    Args:
        most: At most how many token ids to write for each job.
    """
    answers: list[list[int]] = [[] for _ in jobs]
    active = [i for i in range(len(jobs)) if most[i] > 0]
    session = model.session(jobs[0].prefix, len(active)) if active else None
    chunks = [jobs[i].body for i in active]
    while session:
        hidden = session.extend(chunks)
        best = model.best(hidden[range(len(chunks)), [len(chunk) - 1 for chunk in chunks]])
        going = [
            row
            for row, i in enumerate(active)
            if best[row] != jobs[i].end and len(answers[i]) < most[i]
        ]
        for row in going:
            answers[active[row]].append(best[row])
        if len(going) < len(active):
            session = model.gather([(session, row) for row in going]) if going else None
        active = [active[row] for row in going]
        chunks = [[best[row]] for row in going]
    return answers
