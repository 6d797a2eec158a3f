"""JSON files of annotated texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .json_values import read_values
from .record import LeftOut, Record
from .span_lists import read_spans, span_fields


def read_json(path: Path) -> list[Record | LeftOut]:
    """The records of a file of JSON lines, of one JSON array, or of one object.

    Raises: ValueError for a file without records, for what is not JSON, and for what is no record, with its place.
    """
    values = read_values(path)
    bare = any(isinstance(value, dict) and span_fields(value) for _, value in values)
    return [_item(value, place, bare) for place, value in values]


def _item(value: Any, place: str, bare: bool) -> Record | LeftOut:
    match value:
        case {"answer": "reject" | "ignore" as answer}:  # Prodigy
            return LeftOut(place, f"answer: {answer}")
        case {"_is_binary": True}:  # Prodigy asked for one span only: nobody has looked for others
            return LeftOut(place, "answer to a binary question")
        case dict():
            return read_spans(value, place, bare=bare)
    raise ValueError(f"{place} is a {type(value).__name__}: expected an object with a text and its spans")
