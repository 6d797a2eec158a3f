"""One annotated text as the tools write it."""

from __future__ import annotations

import json
from typing import Any

TEXT = "😀 Oak and Elm own Acme."
CHARACTERS = [(2, 13, "ORG"), (10, 13, "PER"), (18, 22, "ORG")]
UTF16 = [(start + 1, end + 1, label) for start, end, label in CHARACTERS]
"""The emoji counts two in a browser."""
WORDS = ["😀", "Oak", "and", "Elm", "own", "Acme", "."]
TOKENS = [(1, 4, "ORG"), (3, 4, "PER"), (5, 6, "ORG")]


def objects(
    spans: list[tuple[int, int, str]], start: str = "start", end: str = "end"
) -> list[dict[str, Any]]:
    return [{start: first, end: last, "label": label} for first, last, label in spans]


def texts() -> list[str]:
    return [TEXT[start:end] for start, end, _ in CHARACTERS]


def prodigy() -> dict[str, Any]:
    starts = [TEXT.index(word) for word in WORDS]
    tokens = [
        {"text": word, "start": start, "end": start + len(word), "id": i, "ws": i < 5}
        for i, (word, start) in enumerate(zip(WORDS, starts, strict=True))
    ]
    indices = [{"token_start": start, "token_end": end - 1} for start, end, _ in TOKENS]
    spans = [span | index for span, index in zip(objects(CHARACTERS), indices, strict=True)]
    return {
        "text": TEXT,
        "_input_hash": 1,
        "tokens": tokens,
        "spans": spans,
        "answer": "accept",
        "_view_id": "ner_manual",
    }


def label_studio() -> dict[str, Any]:
    results = [
        {
            "value": {"start": start, "end": end, "text": text, "labels": [label]},
            "id": f"r{start}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "origin": "manual",
        }
        for (start, end, label), text in zip(UTF16, texts(), strict=True)
    ]
    annotation = {
        "id": 1,
        "completed_by": 1,
        "result": results,
        "was_cancelled": False,
        "ground_truth": False,
    }
    return {
        "id": 1,
        "annotations": [annotation],
        "predictions": [],
        "data": {"text": TEXT, "meta": "x"},
        "project": 1,
    }


def label_studio_min() -> dict[str, Any]:
    regions = [
        {"start": start, "end": end, "text": text, "labels": [label]}
        for (start, end, label), text in zip(UTF16, texts(), strict=True)
    ]
    facts = {
        "annotator": 1,
        "annotation_id": 1,
        "created_at": "2021",
        "updated_at": "2021",
        "lead_time": 8.4,
    }
    return {"text": TEXT, "id": 1, "label": regions, **facts}


def doc_to_json() -> dict[str, Any]:
    spans = {"sc": [span | {"kb_id": ""} for span in objects(CHARACTERS)]}
    return {
        "text": TEXT,
        "ents": objects(CHARACTERS[:1]),
        "tokens": [{"id": 0, "start": 0, "end": 1}],
        "spans": spans,
    }


RECORDS: dict[str, Any] = {
    "own file": {"text": TEXT, "spans": CHARACTERS},
    "own tokens": {"tokens": WORDS, "entity_mentions": objects(TOKENS)},
    "Prodigy": prodigy(),
    "Label Studio": label_studio(),
    "Label Studio, JSON_MIN": label_studio_min(),
    "Doccano": {"id": 1, "text": TEXT, "label": UTF16, "Comments": []},
    "Doccano with relations": {
        "id": 1,
        "text": TEXT,
        "entities": objects(UTF16, "start_offset", "end_offset"),
        "relations": [],
        "Comments": [],
    },
    "NER Annotator": {
        "classes": ["ORG", "PER"],
        "annotations": [[TEXT, {"entities": UTF16}], None],
    },
    "spaCy 2": [TEXT, {"entities": CHARACTERS}],
    "Doc.to_json": doc_to_json(),
    "GLiNER": {
        "tokenized_text": WORDS,
        "ner": [(start, end - 1, label) for start, end, label in TOKENS],
    },
}
"""Tool → a record of it, with the spans of CHARACTERS."""

FLAT: dict[str, Any] = {
    "tags": {
        "id": "1",
        "tokens": WORDS,
        "ner_tags": ["O", "B-ORG", "I-ORG", "I-ORG", "O", "B-ORG", "O"],
    },
    "tag numbers": {"tokens": WORDS, "ner_tags": [0, 1, 2, 2, 0, 1, 0]},
}
"""The same without the nested span, which tags cannot say."""

TAG_NAMES = ["O", "B-ORG", "I-ORG"]
FILES = {name: json.dumps(record) for name, record in (RECORDS | FLAT).items()}
