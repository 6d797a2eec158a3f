"""A fixed question by which a model is recognised, whatever engine runs it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import numpy as np

from ..answers import Repairs
from ..decoding.interfaces import Engine, Job, Question, Reply
from ..formats.inline_bracketed import InlineBracketed
from ..lm.pieces import Pieces
from ..types import Source

Probe: TypeAlias = list[list[float]]
"""The probabilities of the choices at each place of the question."""

_TEXT = "Ann Lee of the Essex Police met 23 farmers in Leeds, and (later) a Dr. Obi from UNESCO."
_CHOICES = 8
_TOLERANCE = 0.05
"""How far the probabilities at a place may be from the saved ones, as the mean of the total
variation at all places. Rounding to bfloat16 moves them less than that, and another adapter
more."""


def probe_of(engine: Engine, pieces: Pieces) -> Probe:
    """Return what the model of an engine answers to the question."""
    ids = list(pieces.encode(_TEXT))
    places = list(range(1, len(ids)))
    choices = list(dict.fromkeys(ids))[:_CHOICES]
    question = Question(ids[1:], places, [choices] * len(places))
    replies: list[Reply] = []

    def ask() -> Generator[Question, Reply, None]:
        replies.append((yield question))

    grammar = InlineBracketed().grammar(Source((), ()), {})
    # An engine needs no more of a job than its prefix and its body.
    job = Job((ids[0],), ids[1:], [], grammar, pieces.encode, pieces.end, lambda _: ([], Repairs()))
    engine.run([job], [ask()], len(ids))
    probabilities: Probe = np.exp(replies[0].log_probs[:, : len(choices)]).round(4).tolist()
    return probabilities


def differing(one: Probe, other: Probe) -> bool:
    """Return whether two answers to the question are those of different models."""
    if len(one) != len(other):
        return True
    variation = np.abs(np.array(one) - np.array(other)).sum(axis=1) / 2
    return bool(variation.mean() > _TOLERANCE)
