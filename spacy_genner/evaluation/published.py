"""How the scripts of GNER and LLMs4NER count entities; most compare their texts, and not where they
stand.

Sources: evaluate.py of yyDing1/GNER; evaluation/ of szu-tera/LLMs4NER. Both written anew from what
    they do.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..reading.align import increasing, subsequence

_TAGGED = re.compile(r"\(B-.*?\)|\(I-.*?\)|\(O\)")
_BRACKETS = re.compile(r"\[|\|\s*([^\]]+)\]")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

LabelledOffsets = list[tuple[str, int, int]]


class AnswerFormat(str, Enum):
    """The output formats of LLMs4NER."""

    bracketed = "bracketed"
    xml = "xml"
    grouped = "category-grouped JSON"
    occurrence = "occurrence JSON"
    offset = "offset JSON"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counted entities of one or more answers."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.correct + other.correct, self.predicted + other.predicted, self.gold + other.gold
        )

    @property
    def f(self) -> float:
        """The F1, a fraction; 0 where nothing is there."""
        return 2 * self.correct / max(self.predicted + self.gold, 1)


def gner_tally(
    words: Sequence[str], tags: Sequence[str], answer: str, labels: Collection[str]
) -> Tally:
    """GNER's count: different pairs of normalised text and label. Its script can also send the
    words through a tokenizer and back before it aligns them; that is left out here."""
    written, given, end = list[str](), list[str](), 0
    valid = {f"{prefix}-{label}" for prefix in "BI" for label in labels}
    for mark in _TAGGED.finditer(answer := answer.strip()):
        if word := answer[end : mark.start()].strip():
            written.append(word.lower())
            tag = mark[0][1:-1].strip()
            given.append(tag if tag in valid else "O")
        end = mark.end()
    source = [word.lower() for word in words]
    predicted = ["O"] * len(source)
    if (places := subsequence(written, source)) is not None:
        for tag, at in zip(given, places, strict=True):
            if at is not None:
                predicted[at] = tag
    else:
        predicted = ["O" if at is None else given[at] for at in increasing(source, written)]
    found, gold = _gner_entities(words, predicted), _gner_entities(words, tags)
    return Tally(len(found & gold), len(found), len(gold))


def _gner_entities(words: Sequence[str], tags: Sequence[str]) -> set[tuple[str, str]]:
    """Of tags in one entity the last gives the label."""
    spans = list[tuple[list[str], str]]()
    before = "O"
    for word, tag in zip(words, tags, strict=True):
        if tag[0] not in "BO" and before != "O":
            spans[-1] = [*spans[-1][0], word], tag[2:]
        elif tag != "O":
            spans.append(([word], tag[2:]))
        before = tag
    return {(_normalised(" ".join(span)), _normalised(label)) for span, label in spans}


def _normalised(text: str) -> str:
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_NO_PUNCTUATION)).split())


def llms4ner_tally(
    format: AnswerFormat, predicted: Any, gold: Any, labels: Collection[str]
) -> Tally:
    """LLMs4NER's count: multisets of what its script for the format compares.

    These are label and text; with the occurrence or the offsets where the format has them; and for
    marked copies the characters of the span where both copies are the same.

    Args:
        predicted, gold: Answers as a file holds them: text, or JSON values.
        labels: The tags that the script for XML is told.
    """
    if format in (AnswerFormat.bracketed, AnswerFormat.xml):
        read = _bracketed if format is AnswerFormat.bracketed else lambda text: _xml(text, labels)
        copies = [read(str(predicted)), read(str(gold))]
        same = copies[0][0] == copies[1][0]
        found, right = (
            Counter[Any](
                spans if same else [(label, text[start:end]) for label, start, end in spans]
            )
            for text, spans in copies
        )
    else:
        found, right = (Counter[Any](_listed(format, side)) for side in (predicted, gold))
    return Tally((found & right).total(), found.total(), right.total())


def _bracketed(text: str) -> tuple[str, LabelledOffsets]:
    copy, spans, opened, end = "", LabelledOffsets(), list[int](), 0
    for mark in _BRACKETS.finditer(text := text.strip()):
        part = text[end : mark.start()]
        copy += part if mark[1] is None else part.rstrip()
        end = mark.end()
        if mark[1] is None:
            opened.append(len(copy))
        elif opened and (start := opened.pop()) < len(copy) and mark[1].strip():
            spans.append((" ".join(mark[1].split()), start, len(copy)))
    return copy + text[end:], spans


def _xml(text: str, labels: Collection[str]) -> tuple[str, LabelledOffsets]:
    """A tag closes the last open one of its name, and drops those that were opened after it."""
    names = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    copy, spans, opened, end = "", LabelledOffsets(), list[tuple[str, int]](), 0
    for mark in re.finditer(rf"<(/?)({names})>", text):
        copy += text[end : mark.start()]
        end = mark.end()
        at = [i for i, (label, _) in enumerate(opened) if label == mark[2]]
        if not mark[1]:
            opened.append((mark[2], len(copy)))
        elif at:
            start = opened[at[-1]][1]
            del opened[at[-1] :]
            spans += [(mark[2], start, len(copy))] if start < len(copy) else []
    return copy + text[end:], spans


def _listed(format: AnswerFormat, answer: Any) -> list[tuple[Any, ...]]:
    """An answer with one fault in its JSON has no entities."""
    fields = {AnswerFormat.occurrence: ("occurrence_index",), AnswerFormat.offset: ("start", "end")}
    try:
        items = json.loads(answer) if isinstance(answer, str) else answer
        if format is AnswerFormat.grouped:
            groups = items.items() if isinstance(items, dict) else []
            return [
                (str(text), label)
                for label, texts in groups
                if isinstance(texts, list)
                for text in texts
            ]
        found = []
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict):
                values: list[Any] = [item.get(name) for name in ("text", "label", *fields[format])]
                if None not in values:
                    found.append((str(values[0]), str(values[1]), *map(int, values[2:])))
        return found
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
