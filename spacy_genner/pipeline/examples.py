"""Annotated documents in windows: what a model learns from them, and what its prompt can show of
them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..formats.base import Format
from ..labels.label_set import Labels
from ..nesting import nest, within_sentences
from ..prompts.shots import Shot
from ..types import Entity, Source
from ..windows import Room, Window, covering, inside, split
from .docs import DocSource, Reading, gold_spans
from .parts import Parts

GoldWindow: TypeAlias = tuple[Source, list[Entity], Labels]
"""A text, its entities, and the label set to ask for."""
PartsOf: TypeAlias = Callable[[Doc, Labels, Sequence[bool | None] | None], Parts]
"""A document, the labels to ask for, and where sentences start if its text does not say it → its
parts."""
Outgrows: TypeAlias = Callable[[Source, Sequence[Entity], Labels], bool]
"""Whether the prompt for a text and the answer with these entities take more positions than the
model has."""


def shots_of(
    docs: Iterable[Doc], spans_key: str, reading: Reading, window: int
) -> tuple[list[Shot], list[str]]:
    """The windows of annotated documents with their entities, and for each span that cannot be
    shown why.

    Args:
        window: How many tokens they have at most.
    """
    found, lost = list[Shot](), list[str]()
    for doc in docs:
        spans = gold_spans(doc, spans_key)
        if spans is not None:
            read = reading(doc)
            entities, reasons = _entities(read, spans)
            windows = split(read.source, Room(window), read.sentences, read.lines)
            parts, across = inside(entities, windows)
            found += [
                (read.source[start:end], tuple(part))
                for (start, end), part in zip(windows, parts, strict=True)
            ]
            lost += reasons + ["across windows"] * len(across)
    return found, lost


def golds_of(
    example: Example,
    wanted: Sequence[Span],
    parts_of: PartsOf,
    format: Format,
    outgrows: Outgrows,
    labels: Labels,
    sample: Callable[[Labels], Labels] | None = None,
) -> tuple[list[GoldWindow], list[str]]:
    """The windows of an example with their gold entities, and for each gold span that cannot be
    learnt why.

    Args:
        wanted: The gold spans, of its reference.
        labels: Those it was annotated with.
        sample: Gives another label set to ask for; gold spans that are not asked for are no losses.
    """
    asked = labels if sample is None else sample(labels)
    aligned = example.get_aligned_spans_y2x(wanted, allow_overlap=True)
    known = [span for span in aligned if span.label_ in labels]
    parts = parts_of(example.predicted, asked, _starts(example))
    entities, lost = _entities(
        parts.read, [span for span in known if span.label_ in asked], format.max_depth
    )
    windows = covering(_answerable(parts, entities, outgrows))
    golds, learnt, refused = list[GoldWindow](), set[Entity](), dict[Entity, str]()
    for window, held in zip(windows, inside(entities, windows)[0], strict=True):
        source, _ = parts.asked(window)
        expressible, others = format.grammar(source, asked).expressible(held)
        golds.append((source, expressible, asked))
        learnt |= {entity.shifted(window[0]) for entity in expressible}
        refused |= {entity.shifted(window[0]): reason for entity, reason in others}
    lost += [refused.get(entity, "across windows") for entity in entities if entity not in learnt]
    lost += ["across tokens"] * (len(wanted) - len(aligned))
    lost += ["with an unknown label"] * (len(aligned) - len(known))
    return golds, lost


def _entities(
    read: DocSource, spans: Sequence[Span], max_depth: int | None = None
) -> tuple[list[Entity], list[str]]:
    """The nested entities of spans, each within a sentence, and for each other span why it is
    lost."""
    whole, across = within_sentences(map(read.entity, spans), read.source)
    nested, dropped = nest(whole, max_depth)
    return nested, [reason for _, reason in across + dropped]


def _starts(example: Example) -> Sequence[bool | None] | None:
    """Where sentences start: as its text says, else as its reference does; None if neither does."""
    annotated = not example.predicted.has_annotation(
        "SENT_START"
    ) and example.reference.has_annotation("SENT_START")
    return example.get_aligned_sent_starts() if annotated else None


def _answerable(parts: Parts, entities: Sequence[Entity], outgrows: Outgrows) -> list[Window]:
    """The windows, those halved whose gold answer takes more positions than the model has."""
    answerable = list[Window]()
    for window, held in zip(parts.windows, inside(entities, parts.windows)[0], strict=True):
        source, labels = parts.asked(window)
        if len(source) > 1 and outgrows(source, held, labels):
            answerable += _answerable(
                replace(parts, windows=parts.halves(window)), entities, outgrows
            )
        else:
            answerable.append(window)
    return answerable
