"""Annotated documents in windows: what a model learns from them, and what its prompt can show of
them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model

from ..labels.label_set import Labels
from ..nesting import nest, within_sentences
from ..prompts.shots import Shot
from ..types import Entity, Source
from ..windows import Room, Window, covering, inside, split
from .docs import DocSource, Reading, gold_spans
from .parts import Parts

GoldWindow: TypeAlias = tuple[Source, list[Entity], Labels]
"""A text, its entities, and the label set to ask for."""


def shots_of(
    docs: Iterable[Doc], spans_key: str, reading: Reading, window: int
) -> tuple[list[Shot], list[str]]:
    """Return the windows of annotated documents with their entities, and a reason for each span
    that cannot be shown.

    Args:
        window: The maximum number of tokens in a window.
    """
    found, lost = list[Shot](), list[str]()
    for doc in docs:
        spans = gold_spans(doc, spans_key)
        if spans is None:
            continue
        read = reading(doc)
        entities, reasons = _entities(read, spans)
        windows = split(read.source, Room(window), read.sentences, read.lines)
        by_window, across = inside(entities, windows)
        for (start, end), held in zip(windows, by_window, strict=True):
            found.append((read.source[start:end], tuple(held)))
        lost += reasons + ["across windows"] * len(across)
    return found, lost


def golds_of(
    example: Example, wanted: Sequence[Span], labels: Labels, parts: Parts, model: Model[Any, Any]
) -> tuple[list[GoldWindow], list[str]]:
    """Return the windows of an example with their gold entities, and a reason for each gold span
    that cannot be learnt.

    Args:
        wanted: The gold spans of the reference.
        labels: The label set that the example was annotated with. Gold spans of other labels cannot
            be learnt.
        parts: The text of the example, with the label set to ask for. Gold spans of `labels` that
            are not asked for are left out, and do not count as lost.
        model: The network that is to learn, which knows the format of its answers.
    """
    asked, attrs = parts.labels, model.attrs
    aligned = example.get_aligned_spans_y2x(wanted, allow_overlap=True)
    known = [span for span in aligned if span.label_ in labels]
    spans = [span for span in known if span.label_ in asked]
    entities, lost = _entities(parts.read, spans, attrs["format"].max_depth)
    windows = covering(_answerable(parts, entities, model))
    golds, learnt, refused = list[GoldWindow](), set[Entity](), dict[Entity, str]()
    for window, held in zip(windows, inside(entities, windows)[0], strict=True):
        source, _ = parts.asked(window)
        expressible, others = attrs["expressible"](model, source, held, asked)
        golds.append((source, expressible, asked))
        learnt |= {entity.shifted(window[0]) for entity in expressible}
        refused |= {entity.shifted(window[0]): reason for entity, reason in others}
    lost += [refused.get(entity, "across windows") for entity in entities if entity not in learnt]
    lost += ["across tokens"] * (len(wanted) - len(aligned))
    lost += ["with an unknown label"] * (len(aligned) - len(known))
    return golds, lost


def sentence_starts(example: Example) -> Sequence[bool | None] | None:
    """Return whether each token of an example starts a sentence, if only its reference says so.

    None if its text says so itself, or if neither does.
    """
    if example.predicted.has_annotation("SENT_START"):
        return None
    if not example.reference.has_annotation("SENT_START"):
        return None
    starts: Sequence[bool | None] = example.get_aligned_sent_starts()
    return starts


def _entities(
    read: DocSource, spans: Sequence[Span], max_depth: int | None = None
) -> tuple[list[Entity], list[str]]:
    """Return the spans as nested entities, each within a sentence, and a reason for each span that
    cannot be one of them."""
    whole, across = within_sentences(map(read.entity, spans), read.source)
    nested, dropped = nest(whole, max_depth)
    return nested, [reason for _, reason in across + dropped]


def _answerable(parts: Parts, entities: Sequence[Entity], model: Model[Any, Any]) -> list[Window]:
    """Return the windows, with those cut in halves whose gold answer takes more positions than the
    model has."""
    answerable = list[Window]()
    for window, held in zip(parts.windows, inside(entities, parts.windows)[0], strict=True):
        source, labels = parts.asked(window)
        if len(source) > 1 and model.attrs["outgrows"](model, source, held, labels):
            halves = replace(parts, windows=parts.halves(window))
            answerable += _answerable(halves, entities, model)
        else:
            answerable.append(window)
    return answerable
