"""`Doc` ↔ `Source` and `Entity`: the only place that converts them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

from ..labels.label_set import Labels, as_labels
from ..types import Entity, Source
from .extension import LABELS, get_doc_labels

Scored: TypeAlias = tuple[Span, float]
"""A span and its score."""

_LONGEST_WORD = 100
_KEPT = _LONGEST_WORD // 2
"""A longer token (base64, say) is read and written with its middle left out. Its spans stay
exact."""


@dataclass(frozen=True, slots=True)
class DocSource:
    """A `Doc` as the model sees it.

    Attributes:
        source: Its tokens that are not white space.
        tokens: The index in the `Doc` of each of them.
        sentences: The first token of each sentence, as an index into the source; None if sentences
            are not known.
        lines: The first token of each line but the first.
    """

    source: Source
    tokens: list[int]
    sentences: list[int] | None
    lines: list[int]

    def entity(self, span: Span) -> Entity:
        """A span without the white space at its edges; empty if there is nothing else in it."""
        return Entity(
            bisect_left(self.tokens, span.start), bisect_left(self.tokens, span.end), span.label_
        )

    def span(self, doc: Doc, entity: Entity) -> Span:
        """The span of an entity."""
        return Span(
            doc, self.tokens[entity.start], self.tokens[entity.end - 1] + 1, label=entity.label
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents are read.

    Attributes:
        sentence_starts: Whether no span may cross a token that is known to start a sentence.
        line_breaks: Whether the model sees line breaks and blank lines; else they are spaces to it.
    """

    sentence_starts: bool = True
    line_breaks: bool = True

    def __call__(self, doc: Doc, starts: Sequence[bool | None] | None = None) -> DocSource:
        """The source of a `Doc`.

        Args:
            starts: Whether each token starts a sentence, if that is not to be taken from the `Doc`.
        """
        if starts is None and doc.has_annotation("SENT_START"):
            starts = [token.is_sent_start for token in doc]
        words, gaps, tokens, sentences = list[str](), list[int](), list[int](), list[int]()
        white_space = ""
        for token in doc:
            if starts and starts[token.i]:
                sentences.append(len(words))
            text = token.text_with_ws
            if word := text.strip():
                words.append(word if len(word) <= _LONGEST_WORD else word[:_KEPT] + word[-_KEPT:])
                gaps.append(_gap(white_space + text[: text.index(word)]))
                tokens.append(token.i)
                white_space = text[text.index(word) + len(word) :]
            else:
                white_space += text
        spaces = tuple(gaps) if self.line_breaks else tuple(map(bool, gaps))
        known = {*sentences} if self.sentence_starts else set()
        flags = tuple(place in known for place in range(len(words))) if known else ()
        lines = [place for place, gap in enumerate(gaps) if gap > 1]
        return DocSource(
            Source(tuple(words), spaces, flags),
            tokens,
            None if starts is None else sentences,
            lines,
        )


def _gap(white_space: str) -> int:
    """The index of white space in `GAPS`."""
    return min(len(f"{white_space}.".splitlines()), 3) if white_space else 0


def own_labels(doc: Doc) -> Labels | None:
    """The label set in `doc._.genner_labels`, if there is one.

    Raises:
        ValueError: If it is empty or has an empty name.
        TypeError: If it is none.
    """
    given = get_doc_labels(doc)
    if given is None:
        return None
    place = f"doc._.{LABELS} of the document {doc.text[:40]!r}"
    try:
        labels = as_labels(given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from error
    if not labels:
        raise ValueError(
            f"{place} is empty: give it at least one label, or None for those of the component"
        )
    return labels


def annotated_labels(example: Example) -> Labels | None:
    """The label set that an example was annotated with, if it says so: that of its text, else of
    its reference."""
    return own_labels(example.predicted) or own_labels(example.reference)


def labels_of(examples: Iterable[Example], key: str) -> Labels:
    """All labels of annotated examples, in alphabetical order. Of several definitions the first
    counts."""
    found: Labels = {}
    for example in examples:
        names = (span.label_ for span in gold_spans(example.reference, key) or [])
        for label, definition in (annotated_labels(example) or dict.fromkeys(names, "")).items():
            found[label] = found.get(label) or definition
    return {label: found[label] for label in sorted(found) if label.strip()}


def gold_spans(doc: Doc, key: str) -> list[Span] | None:
    """The annotated spans of a reference: `doc.spans[key]`, else `doc.ents`; None if it is not
    annotated."""
    if key in doc.spans:
        return list(doc.spans[key])
    return list(doc.ents) if doc.has_annotation("ENT_IOB") else None


def blocked(doc: Doc) -> list[Span]:
    """The tokens that may be in no entity, by `doc.set_ents(…, blocked=…)`: a span for each."""
    return [
        doc[token.i : token.i + 1] for token in doc if token.ent_iob_ == "B" and not token.ent_type
    ]


def unblocked(doc: Doc, spans: Iterable[Scored]) -> list[Scored]:
    """Those that touch no token which is blocked."""
    tokens = {span.start for span in blocked(doc)}
    return [
        (span, score) for span, score in spans if tokens.isdisjoint(range(span.start, span.end))
    ]


def write_spans(doc: Doc, key: str, spans: Iterable[Scored]) -> None:
    """Put spans into `doc.spans[key]`, with their scores in `attrs["scores"]`, float32, in the
    order of the spans."""
    spans = list(spans)
    scores = np.array([score for _, score in spans], dtype="float32")
    doc.spans[key] = SpanGroup(
        doc, name=key, spans=[span for span, _ in spans], attrs={"scores": scores}
    )


def _outermost(scored: Scored) -> tuple[float, ...]:
    span, score = scored
    return span.start - span.end, -score


def _best(scored: Scored) -> tuple[float, ...]:
    span, score = scored
    return -score, span.start - span.end


ENTS: dict[str, Callable[[Scored], tuple[float, ...]]] = {"outermost": _outermost, "best": _best}
"""Which of overlapping spans go to `doc.ents`: the longest, or those with the highest scores; ties
go to the other."""


def write_ents(doc: Doc, spans: Iterable[Scored], policy: str, overwrite: bool) -> None:
    """Put those of the spans that do not overlap into `doc.ents`. Blocked tokens stay blocked; all
    others are outside.

    Args:
        spans: None of them touches a blocked token.
        policy: A key of `ENTS`.
        overwrite: Where spans overlap with entities that the `Doc` has already, drop those; if
            false, the spans.
    """
    chosen = [span for span, _ in sorted(spans, key=ENTS[policy])]
    preset = list(doc.ents)
    taken, kept = set[int](), list[Span]()
    for span in (chosen + preset) if overwrite else (preset + chosen):
        if taken.isdisjoint(range(span.start, span.end)):
            taken.update(range(span.start, span.end))
            kept.append(span)
    for token in chain.from_iterable(preset):
        token.ent_id = token.ent_kb_id = (
            0  # else an entity in the place of another one would inherit its identifiers
        )
    doc.set_ents(kept, blocked=blocked(doc), default="outside")
