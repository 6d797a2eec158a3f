"""Scores of entities: the probabilities of the decisions that made them."""

from __future__ import annotations

import math
from dataclasses import replace

from ..formats.base import Grammar
from ..types import Entity, Trace


def scored_entities(grammar: Grammar, trace: Trace) -> list[Entity]:
    """The entities of a derivation, each with the product of the probabilities of the moves that decided it: its
    opening, its label, its closing, and each place inside where it could have been closed."""
    entities = grammar.entities([step.move for step in trace])
    return [replace(entity, score=math.exp(sum(trace[i].logprob for i in moves))) for entity, moves in entities]
