"""The counts of entities by the scripts of GNER and LLMs4NER.

Most of these compare the texts of entities and not their positions. They are reimplemented
from the behaviour of the scripts: evaluate.py of yyDing1/GNER, and evaluation/ of
szu-tera/LLMs4NER.
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


_FIELDS = {
    AnswerFormat.occurrence: ("text", "label", "occurrence_index"),
    AnswerFormat.offset: ("text", "label", "start", "end"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of correct, predicted and gold entities in one or more answers."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.correct + other.correct, self.predicted + other.predicted, self.gold + other.gold
        )

    @property
    def f(self) -> float:
        """The F1, a fraction; 0 where there is neither a predicted nor a gold entity."""
        return 2 * self.correct / max(self.predicted + self.gold, 1)


def gner_tally(
    words: Sequence[str], tags: Sequence[str], answer: str, labels: Collection[str]
) -> Tally:
    """Count as GNER does: distinct pairs of normalised text and label.

    GNER's script can also send the words through a tokenizer and back before it aligns them. That
    is left out here.

    Args:
        words: The words of the sentence.
        tags: Their gold tags.
        answer: The answer of the model, words with tags in parentheses.
        labels: The label set.
    """
    written, given = _gner_answer(answer, labels)
    source = [word.lower() for word in words]
    if (places := subsequence(written, source)) is not None:
        predicted = ["O"] * len(source)
        for tag, at in zip(given, places, strict=True):
            if at is not None:
                predicted[at] = tag
    else:
        predicted = ["O" if at is None else given[at] for at in increasing(source, written)]
    found, gold = _gner_entities(words, predicted), _gner_entities(words, tags)
    return Tally(len(found & gold), len(found), len(gold))


def _gner_answer(answer: str, labels: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the lower-cased words of an answer and their tags, O for an unknown one."""
    answer = answer.strip()
    valid = {f"B-{label}" for label in labels} | {f"I-{label}" for label in labels}
    words, tags = list[str](), list[str]()
    end = 0
    for mark in _TAGGED.finditer(answer):
        if word := answer[end : mark.start()].strip():
            words.append(word.lower())
            tag = mark[0][1:-1].strip()
            tags.append(tag if tag in valid else "O")
        end = mark.end()
    return words, tags


def _gner_entities(words: Sequence[str], tags: Sequence[str]) -> set[tuple[str, str]]:
    """Return normalised texts and labels; of the tags of one entity the last gives the label."""
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
    """Count as LLMs4NER does: multisets of what its script for the format compares.

    These are label and text, with the occurrence or the offsets where the format has them. For
    marked copies of the text, they are label and offsets where both copies are the same.

    Args:
        format: The format of the answers.
        predicted: The answer as a file holds it: text, or JSON values.
        gold: The gold answer, in the same way.
        labels: The tags that the script for XML is told.
    """
    if format in (AnswerFormat.bracketed, AnswerFormat.xml):
        found, right = _marked(format, str(predicted), str(gold), labels)
    else:
        found, right = Counter(_listed(format, predicted)), Counter(_listed(format, gold))
    return Tally((found & right).total(), found.total(), right.total())


def _marked(
    format: AnswerFormat, predicted: str, gold: str, labels: Collection[str]
) -> tuple[Counter[Any], Counter[Any]]:
    """Return what is compared of two marked copies of the text."""
    if format is AnswerFormat.bracketed:
        copy, found = _bracketed(predicted)
        gold_copy, right = _bracketed(gold)
    else:
        copy, found = _xml(predicted, labels)
        gold_copy, right = _xml(gold, labels)
    if copy == gold_copy:
        return Counter(found), Counter(right)
    return (
        Counter((label, copy[start:end]) for label, start, end in found),
        Counter((label, gold_copy[start:end]) for label, start, end in right),
    )


def _bracketed(text: str) -> tuple[str, LabelledOffsets]:
    """Return the text without marks, and the spans in it."""
    text = text.strip()
    copy, end = "", 0
    spans, opened = LabelledOffsets(), list[int]()
    for mark in _BRACKETS.finditer(text):
        part = text[end : mark.start()]
        end = mark.end()
        if mark[1] is None:
            copy += part
            opened.append(len(copy))
            continue
        copy += part.rstrip()
        label = " ".join(mark[1].split())
        if opened:
            start = opened.pop()
            if start < len(copy) and label:
                spans.append((label, start, len(copy)))
    return copy + text[end:], spans


def _xml(text: str, labels: Collection[str]) -> tuple[str, LabelledOffsets]:
    """Return the text without tags, and the spans in it.

    A tag closes the last open one of its name, and drops those that were opened after it.
    """
    names = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    copy, end = "", 0
    spans, opened = LabelledOffsets(), list[tuple[str, int]]()
    for mark in re.finditer(rf"<(/?)({names})>", text):
        copy += text[end : mark.start()]
        end = mark.end()
        label = mark[2]
        if not mark[1]:
            opened.append((label, len(copy)))
        elif at := [i for i, (name, _) in enumerate(opened) if name == label]:
            start = opened[at[-1]][1]
            del opened[at[-1] :]
            if start < len(copy):
                spans.append((label, start, len(copy)))
    return copy + text[end:], spans


def _listed(format: AnswerFormat, answer: Any) -> list[tuple[Any, ...]]:
    """Return what is compared of an answer; if its JSON has any fault, it has no entities."""
    try:
        items = json.loads(answer) if isinstance(answer, str) else answer
        if format is AnswerFormat.grouped:
            return _grouped(items)
        found = list[tuple[Any, ...]]()
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict):
                values: list[Any] = [item.get(name) for name in _FIELDS[format]]
                if None not in values:
                    text, label, *numbers = values
                    found.append((str(text), str(label), *map(int, numbers)))
        return found
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []


def _grouped(groups: Any) -> list[tuple[Any, ...]]:
    found = list[tuple[Any, ...]]()
    for label, texts in groups.items() if isinstance(groups, dict) else ():
        if isinstance(texts, list):
            found += [(str(text), label) for text in texts]
    return found
