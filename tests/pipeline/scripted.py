"""A `generative_ner` that follows a script: no language model, and every span known beforehand."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from thinc.api import Model

from spacy_genner.formats.base import Refused
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.types import Entity, Source
from spacy_genner.windows import Room

SCRIPT: list[Any] = [
    ["University of Edinburgh", "ORG", 0.5],
    ["Edinburgh", "GPE", 0.9],
    ["Leeds", "GPE", 0.25],
]
"""Phrase, label, score."""
TEXT = "The University of Edinburgh is in Edinburgh, not in Leeds."


def _find(source: Source, phrase: str, label: str, score: float) -> list[Entity]:
    words = tuple(phrase.split())
    starts = range(len(source) - len(words) + 1)
    found = (start for start in starts if source.words[start : start + len(words)] == words)
    return [Entity(start, start + len(words), label, score) for start in found]


def _forward(
    model: Model[Any, Any], batch: Sequence[Any], is_train: bool
) -> tuple[Any, Callable[..., Any]]:
    model.attrs["batches"].append(batch)
    if is_train:
        return np.full(len(batch), 0.5, dtype="float32"), model.attrs["gradients"].append
    sources = [source for source, _ in batch]
    if any("FAIL" in source.words for source in sources):
        raise RuntimeError("a word that cannot be read")
    found = [
        sorted(e for line in model.attrs["script"] for e in _find(source, *line))
        for source in sources
    ]
    return [
        e if len(s) <= model.attrs["longest"] else None for s, e in zip(sources, found, strict=True)
    ], list


@spacy.registry.architectures("genner_tests.Scripted.v1")
def scripted(script: list[Any]) -> Model[Any, Any]:
    """Marks the phrases of a script wherever they occur, and fails at the word FAIL. Remembers what
    it was given. Its answers for more than `attrs["longest"]` words are too long."""
    attrs = {
        "script": script,
        "batches": [],
        "gradients": [],
        "set_labels": _set_labels,
        "scoring": "own",
    }
    attrs |= {
        "longest": math.inf,
        "room": _room,
        "outgrows": _outgrows,
        "expressible": _expressible,
    }
    return Model(
        "scripted", _forward, attrs={**attrs, "format": InlineBracketed(), "prompt": Instruction()}
    )


def _set_labels(model: Model[Any, Any], labels: dict[str, str]) -> None:
    model.attrs["labels"] = labels


def _room(model: Model[Any, Any], source: Source, labels: dict[str, str], tokens: int) -> Room:
    return Room(tokens)


def _outgrows(
    model: Model[Any, Any], source: Source, entities: Sequence[Entity], labels: dict[str, str]
) -> bool:
    return len(source) > model.attrs["longest"]


def _expressible(
    model: Model[Any, Any], source: Source, entities: Sequence[Entity], labels: dict[str, str]
) -> tuple[list[Entity], list[Refused]]:
    return model.attrs["format"].grammar(source, labels).expressible(entities)


def add_scripted(
    nlp: Language, name: str = "generative_ner", script: list[Any] = SCRIPT, **config: Any
) -> Any:
    """Add a component that follows the script."""
    model = {"@architectures": "genner_tests.Scripted.v1", "script": script}
    defaults = {"labels": sorted({label for _, label, _ in script}), "model": model}
    return nlp.add_pipe("generative_ner", name=name, config={**defaults, **config})


def marked(doc: Doc, key: str = "sc") -> list[tuple[int, int, str, float]]:
    """The spans of a document with their scores."""
    scores = doc.spans[key].attrs["scores"]
    return [
        (s.start, s.end, s.label_, float(score))
        for s, score in zip(doc.spans[key], scores, strict=True)
    ]


def named(spans: Iterable[Span]) -> list[tuple[str, str]]:
    """The texts and labels of spans."""
    return [(span.text, span.label_) for span in spans]
