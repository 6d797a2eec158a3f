"""The scores that `spacy train` and `spacy evaluate` report for `generative_ner`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from spacy.scorer import PRFScore, get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from ..nesting import inner
from ..types import Entity
from .docs import gold_spans

Counts = Counter[tuple[str, str | None, str, bool]]
"""The number of spans by group ("", "_nested" or "_flat"), label (None: all labels), side ("gold"
or "predicted"), and whether the other side has the same span."""


def make_scorer() -> Callable[..., dict[str, Any]]:
    """Return the scorer, for a configuration."""
    return score


def score(examples: Iterable[Example], *, spans_key: str, **_: Any) -> dict[str, Any]:
    """Return precision, recall and F1, overall and for each label, under spaCy's names.

    They are None where there are no spans to score.

    `spans_KEY_…`: All spans. For a document without `doc.spans[spans_key]`, those in `doc.ents`.
    `spans_KEY_nested_…`: Spans that lie inside another span of their own side.
    `spans_KEY_flat_…`: All other spans.
    `ents_…`: The spans in `doc.ents`, as spaCy counts them.

    A predicted span is correct, and a gold span is found, if the other side has a span of the same
    characters with the same label, whether nested or flat.
    """
    examples = list(examples)
    counts = Counts()
    for example in examples:
        gold = _entities(example.reference, spans_key)
        if gold is not None:
            predicted = _entities(example.predicted, spans_key) or set()
            _count(counts, "predicted", predicted, gold)
            _count(counts, "gold", gold, predicted)
    scores = dict(get_ner_prf(examples))
    for group in ("", "_flat", "_nested"):
        labels = sorted({label for g, label, _, _ in counts if g == group and label is not None})
        attr = f"spans_{spans_key}{group}"
        scores |= {f"{attr}_{rate}": value for rate, value in _rates(counts, group, None).items()}
        scores[f"{attr}_per_type"] = {
            label: _rates(counts, group, label) for label in labels
        } or None
    return scores


def _entities(doc: Doc, key: str) -> set[Entity] | None:
    """Return the spans with character offsets, which do not depend on the tokenizer.

    None if the document is not annotated.
    """
    spans = gold_spans(doc, key)
    if spans is None:
        return None
    return {Entity(span.start_char, span.end_char, span.label_) for span in spans}


def _count(counts: Counts, side: str, spans: set[Entity], other: set[Entity]) -> None:
    nested = inner(spans)
    for span in spans:
        kind = "_nested" if span in nested else "_flat"
        for group in ("", kind):
            for label in (None, span.label):
                counts[group, label, side, span in other] += 1


def _rates(counts: Counts, group: str, label: str | None) -> dict[str, float | None]:
    correct = counts[group, label, "predicted", True]
    wrong = counts[group, label, "predicted", False]
    found = counts[group, label, "gold", True]
    missed = counts[group, label, "gold", False]
    if not correct + wrong + found + missed:
        return {"p": None, "r": None, "f": None}
    p, r = PRFScore(tp=correct, fp=wrong).precision, PRFScore(tp=found, fn=missed).recall
    return {"p": p, "r": r, "f": 2 * p * r / (p + r) if p + r else 0.0}
