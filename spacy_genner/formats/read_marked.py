"""Readers of freely written copies with marks. They take any text: what is no complete mark stays part of the copy, so
that the alignment finds it in the source or counts it as an addition."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import accumulate
from xml.sax.saxutils import unescape

from ..answers import Marked

_LABEL_LAST = re.compile(r"(?P<open>\[)|(?: ?\| ?(?P<label>(?:[^\\\[\]|]|\\.)*))?\]", re.DOTALL)
_LABEL_FIRST = re.compile(r"(?P<open>\[)(?:(?P<label>(?:[^\\\[\]|:]|\\.)+): ?)?|\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_XML = re.compile(r"<(/?[^<>]+)>")
_BIO = re.compile(r"\((O|[BI]-(?:\\.|[^()\\]|\((?:\\.|[^()\\])*\))*)\)", re.DOTALL)


class _Copy:
    """A copy in the making: an opening mark is a part of its text until the closing one comes."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._spans: list[tuple[int, int, str]] = []

    def write(self, part: str) -> int:
        """Append text, or an opening mark: its number is what `close` needs."""
        self._parts.append(part)
        return len(self._parts) - 1

    def close(self, opening: int, label: str) -> None:
        self._parts[opening] = ""
        self._spans.append((opening, len(self._parts), label))

    def marked(self) -> Marked:
        at = list(accumulate(map(len, self._parts), initial=0))
        return Marked("".join(self._parts), [(at[start], at[end], label) for start, end, label in self._spans])


def read_bracketed(text: str, label_first: bool = False) -> Marked:
    """`[Essex | ORG]`, or `[ORG: Essex]`."""
    copy, opened, end = _Copy(), list[tuple[int, str | None]](), 0
    for mark in (_LABEL_FIRST if label_first else _LABEL_LAST).finditer(text):
        copy.write(text[end : mark.start()])
        end = mark.end()
        if mark["open"]:
            opened.append((copy.write(mark[0]), mark["label"]))
        else:
            opening, first = opened.pop() if opened else (-1, None)
            label = mark["label"] if first is None else first
            if opening < 0 or label is None:
                copy.write(mark[0])
            else:
                copy.close(opening, _ESCAPE.sub(r"\1", label))
    copy.write(text[end:])
    return copy.marked()


def read_xml(text: str) -> Marked:
    """`<ORG>Essex</ORG>`. A tag closes the last open one of its name, also across others."""
    copy, opened, end = _Copy(), defaultdict[str, list[int]](list), 0
    for mark in _XML.finditer(text):
        copy.write(text[end : mark.start()])
        end, name, closed = mark.end(), _unescape(mark[1]), _unescape(mark[1][1:])
        if mark[1][0] == "/" and opened[closed]:
            copy.close(opened[closed].pop(), closed)
        else:
            opened[name].append(copy.write(mark[0]))
    copy.write(text[end:])
    return copy.marked()


def read_bio(text: str) -> Marked:
    """`george(B-actor) clooney(I-actor)`. The brackets of a label are balanced, or behind backslashes.

    A tag without a word before it makes the tag before it a part of the word. An `I-` that continues nothing starts an
    entity. What comes after the last tag is outside of all.
    """
    tagged, end = list[tuple[str, str]](), 0
    for mark in _BIO.finditer(text):
        word = text[end : mark.start()]
        if not word and tagged:
            word, tag = tagged.pop()
            word += f"({tag})"
        if word.strip():
            tagged.append((word.strip(), mark[1]))
            end = mark.end()
    tagged.append((text[end:], "O"))
    spans, start, before = list[tuple[int, int, str]](), 0, "O"
    for word, tag in tagged:
        label, first = tag[2:], start
        if tag[0] == "I" and before != "O" and label == before[2:]:
            first = spans.pop()[0]
        if tag != "O":
            spans.append((first, start + len(word), _ESCAPE.sub(r"\1", label)))
        start, before = start + len(word) + 1, tag
    return Marked(" ".join(word for word, _ in tagged), spans, spaced=True)


def _unescape(text: str) -> str:
    return unescape(text, {"&#47;": "/"})
