"""JSON in answers: how texts are written in it, and how it is read, however broken it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..answers import Listed, Mention

STRING = r'"(?:[^"\\]|\\.)*"'
_FENCE = re.compile(r"\s*(```\w*)?\s*")


def quote(text: str) -> str:
    """Return a text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def escape_json(text: str) -> str:
    """Return a text as it is written between the quotes of a JSON string."""
    return quote(text)[1:-1]


def decode_items(
    text: str, opening: str, mapping: Callable[[list[tuple[str, Any]]], Any]
) -> tuple[Any, list[str]]:
    """Decode the first JSON list or object of an answer.

    Args:
        opening: The bracket with which it begins.
        mapping: Builds each JSON object from its pairs of key and value.

    Returns:
        The decoded items, and the texts before and after them, except for those that are blank or
        only a code fence. Where the JSON is not valid, there are no items, and the whole answer is
        one of the texts.
    """
    start = text.find(opening)
    decoder = json.JSONDecoder(object_pairs_hook=mapping, strict=False)
    try:
        items, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        items, start, end = [], 0, 0
    return items, [rest for rest in (text[:start], text[end:]) if not _FENCE.fullmatch(rest)]


def read_value(text: str) -> Any:
    """Decode a JSON string or number; one that is not valid is returned without its quotes."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text.strip('"')


def listed(items: list[Any], unread: int) -> Listed:
    """Return the mentions among the items of a list.

    Args:
        unread: How many other parts of the answer could not be read. Items that are not mentions
            are added to them.
    """
    mentions: list[Mention] = []
    for item in items:
        mention = _mention(item)
        if mention is None:
            unread += 1
        else:
            mentions.append(mention)
    return Listed(mentions, unread)


def _mention(item: Any) -> Mention | None:
    """Return the mention that an item of a list stands for, or None if it stands for none."""
    if not isinstance(item, dict):
        return None
    text, label = item.get("text"), item.get("label")
    # Models leave out the quotes around numbers.
    if not isinstance(text, str | int | float) or not isinstance(label, str):
        return None
    return Mention(
        str(text),
        label,
        occurrence=_place(item.get("occurrence_index")),
        start=_place(item.get("start")),
        end=_place(item.get("end")),
    )


def _place(value: Any) -> int | None:
    """Return a whole number or None as it is, and -1, which is not a valid place, for anything
    else."""
    return value if value is None or type(value) is int else -1
