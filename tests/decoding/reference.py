"""Greedy decoding as its definition reads: no tries, no batches, no cache. What every decoder must
equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from spacy_genner.decoding.interfaces import Job
from spacy_genner.types import Step, Trace

Ask = Callable[[tuple[int, ...], Sequence[int]], Sequence[float]]
"""All ids read so far, and the legal next ones → their logits."""


def decode(ask: Ask, job: Job) -> Trace | None:
    """Spell every legal move, and at each id on which they differ ask for the best; ties go to the
    earlier move."""
    state, history, steps, answered = job.grammar.start, (*job.prefix, *job.body), list[Step](), 0
    while legal := list(job.grammar.moves(state)):
        spelled = [
            (tuple(id for part in move.segments for id in job.encode(part)), move) for move in legal
        ]
        written, logprob, forced, pivotal = tuple[int, ...](), 0.0, True, 0.0
        while len(spelled) > 1 or spelled[0][0] != written:
            ids = list(dict.fromkeys(ids[len(written)] for ids, _ in spelled))
            choice = ids[0]
            if len(ids) > 1 and answered + len(written) > job.limit:
                return None
            if len(ids) > 1:
                logits = ask((*history, *written), ids)
                choice = ids[logits.index(max(logits))]
                total = math.fsum(map(math.exp, logits))
                only = [
                    all(m.kind == job.grammar.pivot for i, m in spelled if i[len(written)] == id)
                    for id in ids
                ]
                mass = (
                    math.fsum(
                        math.exp(logit) for logit, alone in zip(logits, only, strict=True) if alone
                    )
                    / total
                )
                pivotal += math.exp(logprob) * mass
                logprob += max(logits) - math.log(total)
                forced = False
            written = (*written, choice)
            spelled = [(ids, move) for ids, move in spelled if ids[: len(written)] == written]
        absence = math.log(max(1 - pivotal, math.exp(logprob)))
        steps.append(Step(spelled[0][1], logprob, forced, absence))
        answered += len(written)
        history, state = (*history, *written), job.grammar.advance(state, spelled[0][1])
    return tuple(steps)


def same(found: Trace | None, expected: Trace | None) -> bool:
    """Whether two derivations agree, up to rounding in float32."""
    if found is None or expected is None:
        return found is expected
    return [(step.move, step.forced) for step in found] == [
        (step.move, step.forced) for step in expected
    ] and [number for step in found for number in (step.logprob, step.absence)] == pytest.approx(
        [number for step in expected for number in (step.logprob, step.absence)], abs=1e-4
    )
