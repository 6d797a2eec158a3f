"""Annotated documents as rows of the HTML page."""

from __future__ import annotations

from collections.abc import Set

from spacy.tokens import Doc

from ..types import Entity
from .drawing import DrawnSpan, Panel
from .page import Row
from .spans import Found, characters

SHOWN_TOKENS = 5_000
"""How much of a document the page shows: displaCy's time grows with the number of tokens times that
of spans."""


def row(doc: Doc, found: Found, reference: Doc | None = None, gold: Found | None = None) -> Row:
    """A document with its predicted spans, beside the gold ones if they are given."""
    note = f"the first {SHOWN_TOKENS:,} of {len(doc):,} tokens" if len(doc) > SHOWN_TOKENS else ""
    if reference is None or gold is None:
        return Row(_panel(doc, found, characters(found)), note=note)
    return Row(
        _panel(doc, found, characters(gold)), _panel(reference, gold, characters(found)), note
    )


def _panel(doc: Doc, found: Found, right: Set[Entity]) -> Panel:
    """Draw the spans of one side.

    Args:
        right: The spans that are no errors.
    """
    marks = [
        DrawnSpan(
            span.start,
            span.end,
            span.label_,
            "" if score is None else f"{score:.2f}",
            error=not right >= {entity},
        )
        for span, score in found
        if span.end <= SHOWN_TOKENS
        for entity in characters([(span, score)])
    ]
    tokens = list(doc)[:SHOWN_TOKENS]
    return Panel([token.text for token in tokens], [token.whitespace_ for token in tokens], marks)
