"""The spans that a document carries, whichever component set them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from spacy.tokens import Doc, Span

from ..types import Entity

Found = list[tuple[Span, float | None]]
"""Spans in text order, an outer one before those inside it, each with its score (None if the
component gives none)."""


def layer(docs: Iterable[Doc], spans_key: str) -> str:
    """Return where the spans of documents are.

    Returns:
        "spans" if any of the documents has `doc.spans[spans_key]`, else "ents".
    """
    return "spans" if any(spans_key in doc.spans for doc in docs) else "ents"


def read_spans(doc: Doc, where: str, spans_key: str) -> Found:
    """Return the spans of a document, each once.

    Args:
        doc: The document.
        where: "ents" to read `doc.ents`, "spans" to read `doc.spans[spans_key]`.
        spans_key: The key of the spans. A document without it has no spans there.
    """
    if where == "ents":
        group, scores = list(doc.ents), None
    elif spans_key in doc.spans:
        group, scores = list(doc.spans[spans_key]), doc.spans[spans_key].attrs.get("scores")
    else:
        return []
    if scores is not None and len(scores) != len(group):
        warnings.warn(
            f"doc.spans[{spans_key!r}] has {len(group)} spans but {len(scores)} scores: the scores "
            "are left out",
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
    """Return the spans of `doc.spans[spans_key]` if the document has it, else of `doc.ents`."""
    return read_spans(doc, layer([doc], spans_key), spans_key)


def characters(found: Found) -> frozenset[Entity]:
    """Return the spans with character offsets, which do not depend on the tokenizer."""
    return frozenset(Entity(span.start_char, span.end_char, span.label_) for span, _ in found)
