"""The entities that a pipeline found in documents, as text and as records."""

from __future__ import annotations

from typing import Any

from spacy.tokens import Doc, Span

from ..text import visible
from .spans import Found


def tree(doc: Doc, found: Found) -> str:
    """Draw the text in one line and, below it, each entity in a line of its own.

    An entity inside another one is indented below it. Control characters are made `visible`.
    """
    lines = [visible(" ".join(doc.text.split()))]
    around: list[Span] = []
    for span, score in found:
        while around and (around[-1].end < span.end or len(around[-1]) == len(span)):
            around.pop()
        parts = [span.label_, " ".join(span.text.split())]
        if score is not None:
            parts.append(f"{score:.2f}")
        lines.append("  " * (len(around) + 1) + visible("  ".join(parts)))
        around.append(span)
    if not found:
        lines.append("  no entities")
    return "\n".join(lines)


def span_records(found: Found) -> list[dict[str, Any]]:
    """Return spans as objects with character offsets, of which the end is exclusive, and with
    scores, where there are any, rounded to four places."""
    records = list[dict[str, Any]]()
    for span, score in found:
        record = {
            "start": span.start_char,
            "end": span.end_char,
            "label": span.label_,
            "text": span.text,
        }
        records.append(record if score is None else {**record, "score": round(score, 4)})
    return records
