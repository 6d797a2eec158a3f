"""Reading JSON as it is found: one array in a file, one object, or an object in each line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..files.text_files import numbered_lines

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_values(path: Path) -> list[tuple[str, Any]]:
    """Read the records of a file, each with its place.

    An array that starts with a string is one record.

    Raises:
        ValueError: If the file has no records, and as `parse_json` does.
    """
    lines = [(f"{path}:{number}", line) for number, line in numbered_lines(path)]
    first = next((place for place, line in lines if line.strip()), None)
    if first is None:
        raise ValueError(
            f"{path} is empty: expected JSON, one object per line or an array of objects"
        )
    text = "\n".join(line for _, line in lines)
    value, end = _first_value(text, first)
    if text[end:].strip():
        return [(place, parse_json(line, place)) for place, line in lines if line.strip()]
    if isinstance(value, list) and not isinstance(next(iter(value), None), str):
        items = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        items = [(first, value)]
    if not items:
        raise ValueError(f"{path} is an empty array: expected an object for each text")
    if _SURROGATE.search(text):
        for place, item in items:
            _refuse_halves(item, place)
    return items


def parse_json(line: str, place: str) -> Any:
    """Return the JSON value of a line.

    Args:
        line: The line.
        place: Its place, for error messages.

    Raises:
        ValueError: If the line is not JSON.
        ValueError: If Python cannot hold it (values nested too deep, numbers too long).
        ValueError: If its text has half a character (a lone surrogate), which cannot be written to
            a file.
    """
    value, end = _first_value(line, place)
    if line[end:].strip():
        raise ValueError(
            f"{place} is not JSON (something follows after column {end}): expected one object "
            "per line"
        )
    if _SURROGATE.search(line):
        _refuse_halves(value, place)
    return value


def _first_value(text: str, place: str) -> tuple[Any, int]:
    """Return the value that a text starts with, and the position after it."""
    try:
        return json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{place} is not JSON ({error}): expected one object per line, or an array of them"
        ) from error


def _refuse_halves(value: Any, place: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise ValueError(
            f"{place} has half a character, {half!a}: two such codes in a row make a character"
        ) from error
    except RecursionError as error:  # writing takes a little more depth than reading
        raise ValueError(f"{place} is nested too deep ({error})") from error
