"""A prompt with its gold answer, and what a model makes of it. Imports no neural network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..answers import Repairs
from ..formats.base import Grammar
from ..types import Entity

FIRST, MARKS, LABELS, COPIES, END = PLACES = (
    "first token id",
    "marks",
    "labels",
    "copied text",
    "end of the answer",
)
"""The kinds of places in an answer."""
OWN = "as it is set up"
"""The name of the present way to set up a model."""
BASE = "the base alone"
"""The name of a way without what was trained."""
CHAT = {True: "chat = true", False: "chat = false"}
"""The names of the ways with and without the chat template."""

LogProbs: TypeAlias = list[tuple[str, float]]
"""For each token id of a gold answer, its kind of place, one of `PLACES`, and its log-probability
among all token ids."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A prompt whose answer is known, and the answers of a model to it.

    The labels of all entities are the words by which the model knows them.

    Attributes:
        grammar: The legal answers.
        labels: The labels that were asked for.
        gold: The gold entities.
        constrained: The entities of the answer that the decoder finds among the legal ones.
        free: Those that were read in the free answer, however broken it is.
        repairs: What was wrong with the free answer.
        right: The text of the gold answer.
        written: The text of the free answer.
        ids: The token ids of the free answer.
        ends: For each of them, the character after its text in `written`.
        log_probs: How probable the gold answer is for the model, in each way to set it up.
        respelled: The log-probability of the gold answer when the tokenizer spells it as a whole,
            instead of segment by segment.
    """

    grammar: Grammar
    labels: list[str]
    gold: list[Entity]
    constrained: list[Entity]
    free: list[Entity]
    repairs: Repairs
    right: str
    written: str
    ids: list[int]
    ends: list[int]
    log_probs: Mapping[str, LogProbs]
    respelled: float
