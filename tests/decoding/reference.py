"""Greedy decoding as its definition reads: no tries, no batches, no cache. What every decoder must equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from spacy_genner.decoding.model import Job
from spacy_genner.types import Step, Trace

Ask = Callable[[tuple[int, ...], Sequence[int]], Sequence[float]]
"""All ids read so far, and the legal next ones → their logits."""


def decode(ask: Ask, job: Job) -> Trace:
    """Spell every legal move, and at each id on which they differ ask for the best; ties go to the earlier move."""
    state, history, steps = job.grammar.start, (*job.prefix, *job.body), list[Step]()
    while legal := list(job.grammar.moves(state)):
        spelled = [(tuple(id for part in move.segments for id in job.encode(part)), move) for move in legal]
        written, logprob, forced = tuple[int, ...](), 0.0, True
        while len(spelled) > 1 or spelled[0][0] != written:
            ids = list(dict.fromkeys(ids[len(written)] for ids, _ in spelled))
            choice = ids[0]
            if len(ids) > 1:
                logits = ask((*history, *written), ids)
                choice = ids[logits.index(max(logits))]
                logprob += max(logits) - math.log(math.fsum(map(math.exp, logits)))
                forced = False
            written = (*written, choice)
            spelled = [(ids, move) for ids, move in spelled if ids[: len(written)] == written]
        steps.append(Step(spelled[0][1], logprob, forced))
        history, state = (*history, *written), job.grammar.advance(state, spelled[0][1])
    return tuple(steps)


def same(found: Trace, expected: Trace) -> bool:
    """Whether two derivations agree, up to rounding in float32."""
    return [(step.move, step.forced) for step in found] == [(step.move, step.forced) for step in expected] and [
        step.logprob for step in found
    ] == pytest.approx([step.logprob for step in expected], abs=1e-4)
