"""Readers of freely written lists of mentions. They take any text, and count what they cannot read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..answers import Listed, Mention

_STRING = r'"(?:[^"\\]|\\.)*"'
_KEY_OR_TEXT = re.compile(rf"({_STRING})(\s*:)?", re.DOTALL)
_FIELD = re.compile(rf'"(text|label|occurrence_index|start|end)"\s*:\s*({_STRING}|-?\d+)', re.DOTALL)
_FENCE = re.compile(r"\s*(```\w*)?\s*")
# A label starts behind a mark or where the text does: else every place in a text without marks would be tried.
_ITEM = re.compile(r"(?<![^\\:;.])(?:(?<=;) )?((?:[^\\:;.]|\\.)+): ((?:[^\\;]|\\.|\\\Z)*)(;|\Z)", re.DOTALL)


def read_grouped_json(text: str) -> Listed:
    """`{"ORG": ["Essex"], "PER": []}`. Outside of valid JSON, each string is a label or a mention by itself."""
    groups, rests = _decode(text, "{", tuple)  # pairs: a label that occurs twice keeps both groups
    found = [(label, item) for label, items in groups for item in (items if isinstance(items, list) else [items])]
    for rest in rests:
        label = None
        for string, colon in _KEY_OR_TEXT.findall(rest):
            if colon:
                label = _value(string)
            elif label is not None:
                found.append((label, _value(string)))
    return replace(_listed([{"label": label, "text": item} for label, item in found], len(rests)), grouped=True)


def read_mentions_json(text: str) -> Listed:
    """`[{"text": "Essex", "label": "ORG"}]`, each with an `occurrence_index`, or `start` and `end`, or neither. Outside
    of valid JSON, a mention goes as far as no field comes again."""
    items, rests = _decode(text, "[", dict)
    for rest in rests:
        item: dict[str, Any] = {}
        for name, value in _FIELD.findall(rest):
            if name in item:
                items.append(item)
                item = {}
            item[name] = _value(value)
        items += [item] if item else []
    return _listed(items, len(rests))


def read_typed_list(text: str) -> Listed:
    """`ORG: Essex Police; GPE: Essex;.` A backslash before a mark makes it text."""
    mentions, unread, end = list[Mention](), 0, 0
    for item in _ITEM.finditer(text):
        unread += bool(text[end : item.start()].strip(" \n."))
        end = item.end()
        label, name = (re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in item.groups()[:2])
        mentions.append(Mention(name if item[3] else name.strip().removesuffix("."), label))
    return Listed(mentions, unread + bool(text[end:].strip(" \n.")))


def _decode(text: str, opening: str, mapping: Callable[[list[tuple[str, Any]]], Any]) -> tuple[Any, list[str]]:
    """The items of the first list or mapping, and what stands around it; all the text if that is not valid JSON."""
    start = text.find(opening)
    try:
        items, end = json.JSONDecoder(object_pairs_hook=mapping, strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        items, start, end = [], 0, 0
    return items, [rest for rest in (text[:start], text[end:]) if not _FENCE.fullmatch(rest)]


def _value(text: str) -> Any:
    """A string or number as JSON has it; as it is if that is not valid."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text.strip('"')


def _listed(items: list[Any], unread: int) -> Listed:
    mentions = [_mention(item) for item in items]
    return Listed([m for m in mentions if m], unread + mentions.count(None))


def _mention(item: Any) -> Mention | None:
    if not isinstance(item, dict):
        return None
    text, label = item.get("text"), item.get("label")
    if not isinstance(text, str | int | float) or not isinstance(label, str):
        return None
    return Mention(str(text), label, *(_place(item.get(name)) for name in ("occurrence_index", "start", "end")))


def _place(value: Any) -> int | None:
    """-1, which is nowhere, for what is no whole number."""
    return value if value is None or type(value) is int else -1
