"""JSON files of annotated texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .json_values import read_values
from .record import Record
from .span_lists import read_spans


def read_json(path: Path) -> list[Record]:
    """The records of a file of JSON lines, of one JSON array, or of one object.

    Raises: ValueError for a file without records, for what is not JSON, and for what is no record, with its place.
    """
    return [_record(value, place) for place, value in read_values(path)]


def _record(value: Any, place: str) -> Record:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is a {type(value).__name__}: expected an object with a text and its spans")
    return read_spans(value, place)
