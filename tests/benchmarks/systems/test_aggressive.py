"""Aggressive decoding is lossless: it finds what the greedy decoder finds."""

from types import SimpleNamespace
from typing import Any, cast

from benchmarks.systems.aggressive import Aggressive
from benchmarks.systems.base import Task
from benchmarks.systems.ours import greedy
from spacy_genner.decoding.model import Job
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.types import Source
from tests.decoding.scripted import ScriptedModel, encode, noise

WORDS = ("the", "University", "of", "Leeds", "in", "Essex")
LABELS = {"ORG": "", "ORGAN": "", "GPE": ""}


def tasks() -> list[Task]:
    sources = [Source(WORDS[:length], (False, *[True] * (length - 1))) for length in range(1, len(WORDS) + 1)]
    result = []
    for number, source in enumerate(sources):
        grammar = InlineBracketed(2).grammar(source, LABELS)
        job = Job((1,), [2 + number], [0], grammar, encode)
        result.append(Task(number, cast(Any, None), cast(Any, None), job, []))
    return result


def rarely_marks(history: tuple[int, ...], id: int) -> float:
    return noise(history, id) - 2.0 * (chr(id) in "[|")


def test_it_equals_the_greedy_decoder() -> None:
    subject: Any = SimpleNamespace(lm=SimpleNamespace(steps=ScriptedModel(rarely_marks)))
    ours, theirs = Aggressive(subject)(tasks()), greedy(subject)(tasks())
    assert ours.entities == theirs.entities
    assert any(theirs.entities or ())
    assert ours.reading.rows < theirs.reading.rows
