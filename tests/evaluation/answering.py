"""Answers of a model that is not there, as a check of it measures them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_genner.answers import Repairs
from spacy_genner.evaluation.probed import Probed
from spacy_genner.formats.base import Format
from spacy_genner.labels.label_set import Labels, as_labels
from spacy_genner.models.answered import OWN, Answered, LogProbs
from spacy_genner.types import Entity
from tests.formats.examples import source_of

LABELS = as_labels(["PER", "ORG", "GPE"])
GOLDS = [
    ("He works for Essex Police~.", [Entity(3, 5, "ORG")]),
    ("Mrs O'Neil left Leeds for the company~.", [Entity(0, 2, "PER"), Entity(3, 4, "GPE")]),
    ("The University of Edinburgh~, in Bristol~.", [Entity(0, 4, "ORG"), Entity(6, 7, "GPE")]),
    ("Nothing happened~.", []),
]
"""Texts with flat entities."""


def answered(
    format: Format,
    text: str,
    gold: Sequence[Entity],
    written: str,
    labels: Labels = LABELS,
    free: Sequence[Entity] = (),
    log_probs: Mapping[str, LogProbs] | None = None,
) -> Answered:
    """A free answer to a text. Each of its characters is a token id."""
    grammar = format.grammar(source_of(text), labels)
    return Answered(
        grammar=grammar,
        labels=list(labels),
        gold=list(gold),
        constrained=list(gold),
        free=list(free),
        repairs=Repairs(),
        right="".join(move.text for move in grammar.derive(gold)),
        written=written,
        ids=list(map(ord, written)),
        ends=list(range(1, len(written) + 1)),
        log_probs=log_probs or {OWN: [("copied text", -0.01)]},
        respelled=-0.01,
    )


def asked(format: Format, writes: Format, words: Mapping[str, str] | None = None) -> list[Answered]:
    """The answers to `GOLDS` that are expected in one format, and written in another one.

    Args:
        words: What is written in the place of labels.
    """
    words = words or {}
    names = as_labels([words.get(label, label) for label in LABELS])
    answers = []
    for text, gold in GOLDS:
        renamed = [Entity(e.start, e.end, words.get(e.label, e.label)) for e in gold]
        moves = writes.grammar(source_of(text), names).derive(renamed)
        answers.append(answered(format, text, gold, "".join(move.text for move in moves)))
    return answers


def probed(answers: Sequence[Answered], format: Format, **settings: Any) -> Probed:
    defaults: dict[str, Any] = {
        "label_of": {label: label for label in LABELS},
        "base": "models/tiny",
        "trained_on": None,
        "lost": {},
    }
    return Probed(answers, format, **(defaults | settings))
