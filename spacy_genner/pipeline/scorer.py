"""What `spacy train` and `spacy evaluate` report of `generative_ner`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..nesting import inner
from ..types import Entity


def make_scorer() -> Callable[..., dict[str, Any]]:
    """The scorer, for a configuration."""
    return score


def score(examples: Iterable[Example], *, spans_key: str, **_: Any) -> dict[str, Any]:
    """Precision, recall, F1, and these per type, as spaCy counts and names them.

    `spans_KEY_…`: All spans. A document without `doc.spans[spans_key]` is read from its `doc.ents`.
    `spans_KEY_nested_…`: Those spans that lie inside another one of the same side.
    `ents_…`: `doc.ents`.
    """
    examples = list(examples)
    scores = get_ner_prf(examples)
    for attr, select in ((f"spans_{spans_key}", _all), (f"spans_{spans_key}_nested", _nested)):
        scores |= Scorer.score_spans(
            examples,
            attr,
            getter=partial(_spans, spans_key, select),
            has_annotation=partial(_annotated, spans_key),
            allow_overlap=True,
        )
    return dict(scores)


def _spans(key: str, select: Callable[[list[Span]], list[Span]], doc: Doc, attr: str) -> list[Span]:
    return select(list(doc.spans[key] if key in doc.spans else doc.ents))


def _annotated(key: str, doc: Doc) -> bool:
    return key in doc.spans or bool(doc.has_annotation("ENT_IOB"))


def _all(spans: list[Span]) -> list[Span]:
    return spans


def _nested(spans: list[Span]) -> list[Span]:
    found = {Entity(span.start, span.end, span.label_) for span in spans}
    inside = inner(found)
    return [span for span in spans if Entity(span.start, span.end, span.label_) in inside]
