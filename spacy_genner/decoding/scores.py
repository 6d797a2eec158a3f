"""Scores of entities, from the probabilities of the moves that decided them."""

from __future__ import annotations

import math
from dataclasses import replace

from ..formats.base import Deciding, Grammar
from ..types import Entity, Trace

SCORINGS = ("own", "moves")
"""The ways to score an entity, each a product of probabilities.

own: The probabilities of what decided this entity alone; see `Deciding`.
moves: The probabilities of all moves made where this entity was decided. They include the openings
    of entities inside it, so that uncertainty about those lowers its score. Pipelines that were
    saved before "own" existed keep this score.
"""


def scored_entities(grammar: Grammar, trace: Trace, scoring: str = "own") -> list[Entity]:
    """Return the entities of a derivation with their scores.

    Args:
        scoring: One of `SCORINGS`.
    """
    log_score = _own if scoring == "own" else _moves
    entities = grammar.entities([step.move for step in trace])
    return [
        replace(entity, score=math.exp(log_score(trace, deciding))) for entity, deciding in entities
    ]


def _own(trace: Trace, deciding: Deciding) -> float:
    return sum(trace[i].logprob for i in deciding.taken) + sum(
        trace[i].absence for i in deciding.absent
    )


def _moves(trace: Trace, deciding: Deciding) -> float:
    return sum(trace[i].logprob for i in deciding.taken + deciding.absent)
