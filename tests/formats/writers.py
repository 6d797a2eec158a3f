"""Answers written by the rules of each format, to be read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from spacy_genner.nesting import nest, outermost
from spacy_genner.resolve import Text
from spacy_genner.types import Entity, Source


def piece(source: Source, entity: Entity) -> str:
    """The text of an entity."""
    text = Text(source.words, source.spaces)
    return text.text[text.starts[entity.start] : text.ends[entity.end - 1]]


def occurrence(source: Source, entity: Entity) -> int:
    """How many occurrences of its text there are up to an entity."""
    extents = Text(source.words, source.spaces).find(piece(source, entity))
    return extents.index((entity.start, entity.end)) + 1


def sayable(source: Source, entities: Iterable[Entity]) -> list[Entity]:
    """The entities that need no occurrence: with those before it, each takes the next one of its text."""
    kept: list[Entity] = []
    for entity in sorted(entities):
        same = [e for e in kept if (piece(source, e), e.label) == (piece(source, entity), entity.label)]
        kept += [entity] if len(same) == occurrence(source, entity) - 1 else []
    return kept


def xml(source: Source, entities: Iterable[Entity]) -> str:
    nested, text = nest(entities)[0], ""
    for i, (word, space) in enumerate(zip(source.words, source.spaces, strict=True)):
        text += " " * space + "".join(f"<{escape(e.label)}>" for e in nested if e.start == i)
        text += escape(word) + "".join(f"</{escape(e.label)}>" for e in reversed(nested) if e.end == i + 1)
    return text


def bio(source: Source, entities: Iterable[Entity]) -> str:
    tags = ["O"] * len(source)
    for entity in outermost(nest(entities)[0]):
        tags[entity.start : entity.end] = [f"I-{entity.label}"] * (entity.end - entity.start)
        tags[entity.start] = f"B-{entity.label}"
    return " ".join(f"{word}({tag})" for word, tag in zip(source.words, tags, strict=True))


def grouped(source: Source, entities: Iterable[Entity], labels: Iterable[str]) -> str:
    found = sorted(entities)
    return json.dumps({label: [piece(source, e) for e in found if e.label == label] for label in labels})


def occurrences(source: Source, entities: Iterable[Entity]) -> str:
    items = [
        {"text": piece(source, e), "label": e.label, "occurrence_index": occurrence(source, e)}
        for e in sorted(entities)
    ]
    return json.dumps(items, ensure_ascii=False)


def offsets(source: Source, entities: Iterable[Entity]) -> str:
    text = Text(source.words, source.spaces)
    items = [
        {"text": piece(source, e), "label": e.label, "start": text.starts[e.start], "end": text.ends[e.end - 1]}
        for e in sorted(entities)
    ]
    return json.dumps(items, ensure_ascii=False)


def typed(source: Source, entities: Sequence[Entity]) -> str:
    items = []
    for entity in sorted(entities):
        label = re.sub(r"[\\:;.]", r"\\\g<0>", entity.label)
        text = re.sub(r"[\\;]", r"\\\g<0>", piece(source, entity))
        items.append(f"{label}: {text};")
    return " ".join(items) + "."
