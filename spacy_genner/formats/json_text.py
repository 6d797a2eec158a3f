"""JSON in answers: texts inside it, and reading it however broken it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..answers import Listed, Mention

STRING = r'"(?:[^"\\]|\\.)*"'
_FENCE = re.compile(r"\s*(```\w*)?\s*")


def quote(text: str) -> str:
    """A JSON string."""
    return json.dumps(text, ensure_ascii=False)


def escape_json(text: str) -> str:
    """What stands between the quotes of a JSON string."""
    return quote(text)[1:-1]


def decode_items(
    text: str, opening: str, mapping: Callable[[list[tuple[str, Any]]], Any]
) -> tuple[Any, list[str]]:
    """The items of the first list or mapping, and what stands around it; all the text if that is
    not valid JSON."""
    start = text.find(opening)
    try:
        items, end = json.JSONDecoder(object_pairs_hook=mapping, strict=False).raw_decode(
            text, start
        )
    except (ValueError, RecursionError):
        items, start, end = [], 0, 0
    return items, [rest for rest in (text[:start], text[end:]) if not _FENCE.fullmatch(rest)]


def read_value(text: str) -> Any:
    """A string or number as JSON has it; as it is if that is not valid."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text.strip('"')


def listed(items: list[Any], unread: int) -> Listed:
    """The mentions among the items of a list.

    Args:
        unread: How many other parts of the answer could not be read; items that are no mentions
            come on top.
    """
    mentions = [_mention(item) for item in items]
    return Listed([m for m in mentions if m], unread + mentions.count(None))


def _mention(item: Any) -> Mention | None:
    if not isinstance(item, dict):
        return None
    text, label = item.get("text"), item.get("label")
    if not isinstance(text, str | int | float) or not isinstance(label, str):
        return None
    return Mention(
        str(text), label, *(_place(item.get(name)) for name in ("occurrence_index", "start", "end"))
    )


def _place(value: Any) -> int | None:
    """-1, which is nowhere, for what is no whole number."""
    return value if value is None or type(value) is int else -1
