"""Annotated documents as rows of the HTML page."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import islice

from spacy.tokens import Doc
from spacy.training import Example

from ..types import Entity
from .drawing import DrawnSpan, Panel
from .page import Row
from .spans import Found, characters

SHOWN_TOKENS = 5_000
"""The maximum number of tokens of a document on the page: displaCy's time grows with the number of
tokens times that of spans."""


def row(doc: Doc, found: Found, reference: Doc | None = None, gold: Found | None = None) -> Row:
    """Return the row of a document.

    Args:
        doc: The document with predictions.
        found: Its predicted spans.
        reference: The gold document, if there is one.
        gold: Its gold spans.
    """
    note = f"the first {SHOWN_TOKENS:,} of {len(doc):,} tokens" if len(doc) > SHOWN_TOKENS else ""
    if reference is None or gold is None:
        return Row([_panel(doc, found, characters(found))], note=note)
    panels = [
        _panel(reference, gold, characters(found), "gold"),
        _panel(doc, found, characters(gold), "predicted"),
    ]
    wrong = (sum(mark.error for mark in panel.marks) for panel in panels)
    errors = zip(wrong, ("missed", "spurious"), strict=True)
    return Row(panels, [f"{number} {kind}" for number, kind in errors if number], note)


def compared_rows(
    examples: Sequence[Example], predicted: Sequence[Found], gold: Sequence[Found], limit: int
) -> list[Row]:
    """Return the rows of the first documents of an evaluation, predictions beside gold.

    Args:
        examples: The evaluated documents.
        predicted: The predicted spans of each.
        gold: The gold spans of each.
        limit: The maximum number of rows.
    """
    shown = islice(zip(examples, predicted, gold, strict=True), limit)
    return [
        row(example.predicted, found, example.reference, right) for example, found, right in shown
    ]


def _panel(doc: Doc, found: Found, right: Set[Entity], title: str = "") -> Panel:
    """Return the panel of one side.

    Args:
        doc: The document of this side.
        found: Its spans.
        right: The spans that are no errors, in characters.
        title: The title of the panel.
    """
    marks = []
    for span, score in found:
        if span.end <= SHOWN_TOKENS:
            note = "" if score is None else f"{score:.2f}"
            error = Entity(span.start_char, span.end_char, span.label_) not in right
            marks.append(DrawnSpan(span.start, span.end, span.label_, note, error))
    tokens = list(doc)[:SHOWN_TOKENS]
    spaces = [token.whitespace_ for token in tokens]
    return Panel([token.text for token in tokens], spaces, marks, title)
