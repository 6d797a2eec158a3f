"""Writing entities into the spans and entities of a Doc."""

from __future__ import annotations

from collections.abc import Sequence

from spacy.tokens import Doc, Span

from ..nesting import inner, nest, outermost
from ..types import Entity
from .conversion_report import Report


def annotate(
    doc: Doc,
    entities: Sequence[Entity],
    report: Report,
    place: str,
    spans_key: str,
    max_depth: int | None,
) -> None:
    """Write entities into `doc.spans[spans_key]`, and the outermost ones into `doc.ents`, too.

    Entities that are not properly nested, or deeper than `max_depth`, are lost, as `nest` decides.

    Args:
        doc: The document to change.
        entities: Its entities, over tokens.
        report: Counts what is written and what is lost.
        place: The place of the document in the input, for the report.
        spans_key: The key of the spans.
        max_depth: The maximum depth of nesting; None for any.
    """
    kept, rest = nest(entities, max_depth)
    for entity, reason in rest:
        span = doc[entity.start : entity.end]
        report.lose(
            reason, f"{place} [{span.start_char}, {span.end_char}, {entity.label}] {span.text!r}"
        )
    doc.spans[spans_key] = _spans(doc, kept)
    doc.set_ents(_spans(doc, outermost(kept)))
    report.documents += 1
    report.tokens += len(doc)
    report.spans.update(entity.label for entity in kept)
    report.nested += len(inner(kept))


def _spans(doc: Doc, entities: Sequence[Entity]) -> list[Span]:
    return [Span(doc, entity.start, entity.end, label=entity.label) for entity in entities]
