"""`Doc` ↔ `Source` and `Entity`: the only place that converts them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup

from ..types import Entity, Source

_LONGEST_WORD = 100
_KEPT = _LONGEST_WORD // 2
"""A longer token (base64, say) is read and written with its middle left out. Its spans stay exact."""


@dataclass(frozen=True, slots=True)
class DocSource:
    """A `Doc` as the model sees it.

    source: Its tokens that are not white space.
    tokens: The index in the `Doc` of each of them.
    starts: The first token of each sentence, as an index into the source; None if sentences are not known.
    """

    source: Source
    tokens: list[int]
    starts: list[int] | None

    def entity(self, span: Span) -> Entity:
        """A span without the white space at its edges; empty if there is nothing else in it."""
        return Entity(bisect_left(self.tokens, span.start), bisect_left(self.tokens, span.end), span.label_)

    def span(self, doc: Doc, entity: Entity) -> Span:
        """The span of an entity."""
        return Span(doc, self.tokens[entity.start], self.tokens[entity.end - 1] + 1, label=entity.label)


def read_doc(doc: Doc) -> DocSource:
    """The source of a `Doc`."""
    words, spaces, tokens, starts = list[str](), list[bool](), list[int](), list[int]()
    spaced = False
    for token in doc:
        if token.is_sent_start:
            starts.append(len(words))
        if text := token.text.strip():
            words.append(text if len(text) <= _LONGEST_WORD else text[:_KEPT] + text[-_KEPT:])
            spaces.append(spaced)
            tokens.append(token.i)
        spaced = bool(token.whitespace_) or not text
    return DocSource(Source(tuple(words), tuple(spaces)), tokens, starts if doc.has_annotation("SENT_START") else None)


def gold_spans(doc: Doc, key: str) -> list[Span] | None:
    """The annotated spans of a reference: `doc.spans[key]`, else `doc.ents`; None if it is not annotated."""
    if key in doc.spans:
        return list(doc.spans[key])
    return list(doc.ents) if doc.has_annotation("ENT_IOB") else None


def write_spans(doc: Doc, key: str, spans: Iterable[tuple[Span, float]]) -> None:
    """Put spans into `doc.spans[key]`, with their scores in `attrs["scores"]`, float32, in the order of the spans."""
    spans = list(spans)
    scores = np.array([score for _, score in spans], dtype="float32")
    doc.spans[key] = SpanGroup(doc, name=key, spans=[span for span, _ in spans], attrs={"scores": scores})


def _outermost(scored: tuple[Span, float]) -> tuple[float, ...]:
    span, score = scored
    return span.start - span.end, -score


def _best(scored: tuple[Span, float]) -> tuple[float, ...]:
    span, score = scored
    return -score, span.start - span.end


ENTS: dict[str, Callable[[tuple[Span, float]], tuple[float, ...]]] = {"outermost": _outermost, "best": _best}
"""Which of overlapping spans go to `doc.ents`: the longest, or those with the highest scores; ties go to the other."""


def write_ents(doc: Doc, spans: Iterable[tuple[Span, float]], policy: str, overwrite: bool) -> None:
    """Put those of the spans that do not overlap into `doc.ents`.

    policy: A key of `ENTS`.
    overwrite: Where spans overlap with entities that the `Doc` has already, drop those; if false, the spans.
    """
    chosen = [span for span, _ in sorted(spans, key=ENTS[policy])]
    preset = list(doc.ents)
    taken, kept = set[int](), list[Span]()
    for span in (chosen + preset) if overwrite else (preset + chosen):
        if taken.isdisjoint(range(span.start, span.end)):
            taken.update(range(span.start, span.end))
            kept.append(span)
    doc.set_ents(kept, default="outside")
