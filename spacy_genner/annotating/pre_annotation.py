"""Records for annotation tools, as their documentation describes them.

- Label Studio: tasks with predictions, https://labelstud.io/guide/predictions
- Prodigy: tasks with tokens and spans, https://prodi.gy/docs/api-interfaces
- Presidio: what the anonymizer takes, https://microsoft.github.io/presidio/anonymizer
"""

from __future__ import annotations

from typing import Any

from ..evaluation.annotations import span_records
from ..evaluation.spans import Found
from .annotate import Row

_CERTAIN = 1.0
"""The score of a span without one, where a tool demands a score; Presidio's `MAX_SCORE`."""


def label_studio(row: Row, found: Found) -> dict[str, Any]:
    """Return a task of Label Studio. The tags of the project are `<Labels name="label"
    toName="text">` and `<Text name="text" value="$text">`, with the name of the field with the text
    after the dollar sign. Offsets count code points.

    A task has the score of its least certain span, so that it can be sorted by it.
    """
    regions = list[dict[str, Any]]()
    for number, span in enumerate(span_records(found)):
        value = {name: span[name] for name in ("start", "end", "text")}
        region = {
            "id": str(number),
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {**value, "labels": [span["label"]]},
        }
        regions.append({**region, "score": span["score"]} if "score" in span else region)
    scores = [region["score"] for region in regions if "score" in region]
    prediction = {"score": min(scores), "result": regions} if scores else {"result": regions}
    return {"data": row.input.fields, "predictions": [prediction]}


def prodigy(row: Row, found: Found) -> dict[str, Any]:
    """Return a task of Prodigy, for `spans_manual`, or for `ner_manual` if no spans overlap.

    `token_end` is inclusive. The other fields of the input are in `meta`, which Prodigy shows.
    """
    tokens = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in row.doc
    ]
    places = [{"token_start": span.start, "token_end": span.end - 1} for span, _ in found]
    spans = [{**span, **place} for span, place in zip(span_records(found), places, strict=True)]
    return {"text": row.doc.text, "tokens": tokens, "spans": spans, "meta": row.input.others}


def presidio(row: Row, found: Found) -> dict[str, Any]:
    """Return a text with what Presidio's analyzer would find in it, as its anonymizer takes it."""
    results = [
        {
            "entity_type": span["label"],
            "start": span["start"],
            "end": span["end"],
            "score": span.get("score", _CERTAIN),
        }
        for span in span_records(found)
    ]
    return {**row.input.others, "text": row.doc.text, "analyzer_results": results}
