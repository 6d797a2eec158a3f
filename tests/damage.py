"""Files that are nearly right: valid ones with something wrong in their values, their text or their
bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: list[Any] = [
    *[True, False, None, 3.0, 0.5, float("nan"), float("inf"), -1, 0, 1, 2, 7, 10**20, -(10**400)],
    *["", " ", "1", "\ud83d", "\x00", "\x1b[31m", "\r\n", "\u2028", "😀", "O", "B-ORG", "reject", "x" * 300],
    *[[], {}, [[]], [None], {"": None}, [0, 1, "ORG"], {"start": 0, "end": 1, "label": "ORG"}],
]  # fmt: skip
KEYS = [
    "text",
    "data",
    "tokens",
    "spans",
    "label",
    "ents",
    "answer",
    "start",
    "end",
    "result",
    "annotations",
    "type",
]
PIECES = [
    *["\x00", "\r", "\r\n", "\n", "\t", " ", "\ufeff", "\u2028", "\x1b", "😀", "é", "9", "#", "B-X"],
    *["[", "]", "{", "}", '"', "\\", ",", ":", '{"a":', "\\ud83d", "NaN", "true", "-"],
]  # fmt: skip
TOO_MUCH = [("9", 5000), ("[", 1500), ('{"a":', 1500)]
"""More digits and more depth than Python can read."""
noise = st.sampled_from([*((piece, 1) for piece in PIECES), *TOO_MUCH]).map(
    lambda piece: piece[0] * piece[1]
)
noises = st.lists(noise, max_size=8).map("".join)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values inside a value."""
    keys = (
        value.keys()
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    return [path, *(inner for key in keys for inner in nodes(value[key], (*path, key)))]


@st.composite
def nudged(draw: st.DrawFn, value: Any) -> Any:
    """A value of the same type that is a little different."""
    match value:
        case int():
            return value + draw(st.sampled_from([-2, -1, 1, 2]))
        case str():
            at = draw(st.integers(0, len(value)))
            return (
                value[:at]
                + draw(st.sampled_from(["", " ", "😀", "\ud83d", "\x00", "\x1b", "\r\n", "a"]))
                + value[at + 1 :]
            )
    return draw(st.sampled_from(ODD_VALUES))


@st.composite
def damaged_values(draw: st.DrawFn, seed: Any) -> Any:
    """A value of JSON with a few of its parts replaced, left out, renamed or doubled."""
    root = [json.loads(json.dumps(seed))]  # lists instead of tuples
    for _ in range(draw(st.integers(0, 3))):
        *way, key = (0, *draw(st.sampled_from(nodes(root[0]))))
        parent: Any = root
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(["nudge", "nudge", "replace", "remove", "rename", "double"])):
            case "remove" if way:
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = parent.pop(key)
            case "double" if isinstance(parent, list) and way:
                parent.insert(key, parent[key])
            case "nudge":
                parent[key] = deepcopy(draw(nudged(parent[key])))
            case _:
                parent[key] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return root[0]


@st.composite
def damaged_texts(draw: st.DrawFn, text: str) -> str:
    """A text that is cut off, or has something added, left out or replaced."""
    for _ in range(draw(st.integers(0, 2))):
        start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 20))
        match draw(st.sampled_from(["cut", "replace", "repeat", "line ends"])):
            case "cut":
                text = text[:start]
            case "replace":
                text = text[:start] + draw(st.just("") | noise) + text[start + length :]
            case "repeat":
                text = text[: start + length] + text[start:]
            case _:
                text = text.replace("\n", draw(st.sampled_from(["\r\n", "\r", "\n\n"])))
    return text


@st.composite
def damaged_files(draw: st.DrawFn, text: str) -> tuple[str, bytes]:
    """The suffix and the content of a file: in some encoding, or compressed, and sometimes
    damaged."""
    encoding = draw(st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "latin-1"]))
    data = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    suffix = draw(st.sampled_from([""] * 5 + [".gz"]))
    if suffix:
        data = gzip.compress(data, mtime=0)
    if draw(st.integers(0, 5)) == 0 and data:
        at = draw(st.integers(0, len(data) - 1))
        data = draw(st.sampled_from([data[:at], data[:at] + b"\xff\x00" + data[at + 2 :]]))
    return suffix, data


def text_files(seeds: Sequence[str]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Files of text, damaged, or noise."""
    texts = st.sampled_from(seeds).flatmap(damaged_texts) | noises | st.text()
    return texts.flatmap(damaged_files)


def json_files(seeds: Sequence[Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Files of JSON lines or of one array, damaged."""
    values = st.lists(st.sampled_from(seeds).flatmap(damaged_values), min_size=1, max_size=3)
    lines = values.map(lambda items: "\n".join(map(json.dumps, items)))
    raw = values.map(lambda items: json.dumps(items, indent=1, ensure_ascii=False))
    texts = (lines | raw).flatmap(damaged_texts) | noises
    return texts.flatmap(damaged_files)
