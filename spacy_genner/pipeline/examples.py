"""Annotated documents in windows: what a model learns from them, and what its prompt can show of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..formats.base import Format
from ..labels import Labels
from ..nesting import nest
from ..shots import Shot
from ..types import Entity, Source
from ..windows import inside, split
from .docs import DocSource, gold_spans, read_doc

Gold: TypeAlias = tuple[Source, list[Entity], Labels]
"""A text, its entities, and the label set to ask for."""
Window: TypeAlias = tuple[int, int]


def cut(doc: Doc, size: int) -> tuple[DocSource, list[Window]]:
    """A document as models read it, and its windows of so many words."""
    read = read_doc(doc)
    return read, split(read.source, size, read.starts)


def shots_of(docs: Iterable[Doc], spans_key: str, size: int) -> tuple[list[Shot], list[str]]:
    """The windows of annotated documents with their entities, and for each span that cannot be shown why."""
    found, lost = list[Shot](), list[str]()
    for doc in docs:
        spans = gold_spans(doc, spans_key)
        if spans is not None:
            read, windows = cut(doc, size)
            parts, reasons = _inside(read, spans, windows)
            found += [(read.source[start:end], tuple(part)) for (start, end), part in zip(windows, parts, strict=True)]
            lost += reasons
    return found, lost


def golds_of(
    example: Example,
    wanted: Sequence[Span],
    size: int,
    format: Format,
    labels: Labels,
    sample: Callable[[Labels], Labels] | None = None,
) -> tuple[list[Gold], list[str]]:
    """The windows of an example with their gold entities, and for each gold span that cannot be learnt why.

    wanted: The gold spans, of its reference.
    labels: Those it was annotated with.
    sample: Gives another label set to ask for; gold spans that are not asked for are no losses.
    """
    asked = labels if sample is None else sample(labels)
    aligned = example.get_aligned_spans_y2x(wanted, allow_overlap=True)
    known = [span for span in aligned if span.label_ in labels]
    read, windows = cut(example.predicted, size)
    parts, lost = _inside(read, [span for span in known if span.label_ in asked], windows, format.max_depth)
    learnt = list[Gold]()
    for (start, end), part in zip(windows, parts, strict=True):
        source = read.source[start:end]
        sayable, refused = format.grammar(source, asked).sayable(part)
        learnt.append((source, sayable, asked))
        lost += [reason for _, reason in refused]
    lost += ["across tokens"] * (len(wanted) - len(aligned))
    lost += ["with an unknown label"] * (len(aligned) - len(known))
    return learnt, lost


def _inside(
    read: DocSource, spans: Sequence[Span], windows: Sequence[Window], max_depth: int | None = None
) -> tuple[list[list[Entity]], list[str]]:
    """The nested entities in each window, and for each span that is lost why."""
    nested, dropped = nest(map(read.entity, spans), max_depth)
    parts, crossing = inside(nested, windows)
    return parts, [reason for _, reason in dropped] + ["across windows"] * len(crossing)
