"""The spans that a document carries, whoever has put them there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from spacy.tokens import Doc, Span

from ..types import Entity

Found = list[tuple[Span, float | None]]
"""Spans in text order, an outer one before those inside it, with their scores if the component
gives any."""


def layer(docs: Iterable[Doc], spans_key: str) -> str:
    """Where the spans of documents are: "spans" if one of them has `doc.spans[spans_key]`, else
    "ents"."""
    return "spans" if any(spans_key in doc.spans for doc in docs) else "ents"


def read_spans(doc: Doc, where: str, spans_key: str) -> Found:
    """The spans of `doc.ents` (where = "ents") or of `doc.spans[spans_key]`, each once."""
    if where == "ents" or spans_key not in doc.spans:
        group, scores = list(doc.ents) if where == "ents" else [], None
    else:
        group, scores = list(doc.spans[spans_key]), doc.spans[spans_key].attrs.get("scores")
    if scores is not None and len(scores) != len(group):
        warnings.warn(
            f"doc.spans[{spans_key!r}] has {len(group)} spans but {len(scores)} scores: left out",
            stacklevel=2,
        )
        scores = None
    values = [None] * len(group) if scores is None else [float(score) for score in scores]
    found = {
        (span.start, -span.end, span.label_): (span, value)
        for span, value in zip(group, values, strict=True)
    }
    return [found[key] for key in sorted(found)]


def read_own_spans(doc: Doc, spans_key: str) -> Found:
    """The spans of `doc.spans[spans_key]` if this document has it, else of `doc.ents`."""
    return read_spans(doc, layer([doc], spans_key), spans_key)


def characters(found: Found) -> frozenset[Entity]:
    """The spans with character offsets, which do not depend on the tokenizer."""
    return frozenset(Entity(span.start_char, span.end_char, span.label_) for span, _ in found)
