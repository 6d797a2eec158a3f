"""JSON lines, or one JSON array: a text with character offsets, or tokens with token offsets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import numbered_lines

SPANS = ("spans", "entities", "label", "labels", "entity_mentions")
START = ("start", "start_offset")
END = ("end", "end_offset")
LABEL = ("label", "type", "entity_type")


@dataclass(frozen=True, slots=True)
class Record:
    """An annotated text: either `text` is a string, or it is None and `tokens` holds the words.

    spans: Start, end (half-open; characters of the text, or tokens) and label.
    place: File and line, or file and index in the array.
    """

    place: str
    text: str | None
    tokens: list[str]
    spans: list[tuple[int, int, str]]


def read_json(path: Path) -> list[Record]:
    """The records of a file of JSON lines, or of a file that is one JSON array.

    A record has `text` or `tokens`, and its spans under one of `SPANS`. A span is [start, end, label], or an object
    with `START`, `END` (or both as "span": [start, end]) and `LABEL`.

    Raises: ValueError for what is not JSON or not such a record, with its place.
    """
    lines = [(number, line) for number, line in numbered_lines(path) if line.strip()]
    if lines and lines[0][1].lstrip().startswith("["):
        items = _parse("\n".join(line for _, line in lines), str(path))
        return [_record(item, f"{path}[{index}]") for index, item in enumerate(items)]
    return [_record(_parse(line, f"{path}:{number}"), f"{path}:{number}") for number, line in lines]


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place} is not JSON ({error}): expected an object a line, or an array of them") from error


def _record(item: Any, place: str) -> Record:
    if not isinstance(item, dict):
        raise ValueError(f"{place} is a {type(item).__name__}: expected an object with a text and its spans")
    fields = [name for name in SPANS if isinstance(item.get(name), list)]
    if len(fields) != 1:
        raise ValueError(f"{place} has lists of spans under {fields or 'no name'}: expected one of {', '.join(SPANS)}")
    spans = [_span(span, f"{place} {span}") for span in item[fields[0]]]
    match item:
        case {"text": str(text)}:
            return Record(place, text, [], spans)
        case {"tokens": [*tokens]} if all(isinstance(token, str) for token in tokens):
            return Record(place, None, tokens, spans)
    raise ValueError(f"{place} has neither a string as `text` nor a list of strings as `tokens`")


def _span(span: Any, place: str) -> tuple[int, int, str]:
    if isinstance(span, Mapping):
        start, end = span["span"] if _is_pair(span.get("span")) else (_first(span, START), _first(span, END))
        span = [start, end, _first(span, LABEL)]
    match span:
        case [int(start), int(end), str(label)] if label.strip():
            return start, end, label
    raise ValueError(f"{place} is no span: expected whole numbers as start and end, and a label that is not empty")


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _first(span: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((span[name] for name in names if name in span), None)
