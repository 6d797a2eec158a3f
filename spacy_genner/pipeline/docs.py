"""`Doc` ↔ `Source` and `Entity`: what the model reads of a document, and where entities are
written."""

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
from ..types import GAPS, Entity, Source
from .extension import LABELS, get_doc_labels

Scored: TypeAlias = tuple[Span, float]
"""A span and its score."""

_NOTHING, _SPACE, _LINE_BREAK, _BLANK_LINE = range(len(GAPS))
_LONGEST_WORD = 100
_KEPT = _LONGEST_WORD // 2
"""The model sees a token longer than `_LONGEST_WORD` characters (base64, for example) without its
middle: only this many characters from each end. Its spans stay exact."""


@dataclass(frozen=True, slots=True)
class DocSource:
    """A `Doc` as the model sees it.

    Attributes:
        source: The tokens that are not white space.
        tokens: The index in the `Doc` of each token of the source.
        sentences: The first token of each sentence, as an index into the source; None if sentences
            are not known.
        lines: The first token of each line except the first, as an index into the source.
    """

    source: Source
    tokens: list[int]
    sentences: list[int] | None
    lines: list[int]

    def entity(self, span: Span) -> Entity:
        """Return a span as an entity, without the white space at its edges.

        It is empty if the span is nothing but white space.
        """
        return Entity(
            bisect_left(self.tokens, span.start), bisect_left(self.tokens, span.end), span.label_
        )

    def span(self, doc: Doc, entity: Entity) -> Span:
        """Return an entity as a span of the document."""
        start, end = self.tokens[entity.start], self.tokens[entity.end - 1] + 1
        return Span(doc, start, end, label=entity.label)


@dataclass(frozen=True, slots=True)
class Reading:
    """The way in which documents are read.

    Attributes:
        sentence_starts: Whether no span may cross a token that is known to start a sentence.
        line_breaks: Whether the model sees line breaks and blank lines, or spaces in their place.
    """

    sentence_starts: bool = True
    line_breaks: bool = True

    def __call__(self, doc: Doc, starts: Sequence[bool | None] | None = None) -> DocSource:
        """Read a document.

        Args:
            starts: Whether each token starts a sentence; None: as the document says.
        """
        if starts is None and doc.has_annotation("SENT_START"):
            starts = [token.is_sent_start for token in doc]
        words, gaps, tokens, sentences = list[str](), list[int](), list[int](), list[int]()
        white_space = ""  # between the last word and the next one, whichever tokens it belongs to
        for token in doc:
            if starts and starts[token.i]:
                sentences.append(len(words))
            text = token.text_with_ws
            word = text.strip()
            if not word:
                white_space += text
                continue
            before, after = text.split(word, 1)  # a token may have white space at its edges
            words.append(word if len(word) <= _LONGEST_WORD else word[:_KEPT] + word[-_KEPT:])
            gaps.append(_gap(white_space + before))
            tokens.append(token.i)
            white_space = after
        source = Source(tuple(words), self._spaces(gaps), self._starts(sentences, len(words)))
        lines = [place for place, gap in enumerate(gaps) if gap >= _LINE_BREAK]
        return DocSource(source, tokens, None if starts is None else sentences, lines)

    def _spaces(self, gaps: Sequence[int]) -> tuple[int, ...]:
        return tuple(gaps) if self.line_breaks else tuple(gap != _NOTHING for gap in gaps)

    def _starts(self, sentences: Sequence[int], length: int) -> tuple[bool, ...]:
        """Return whether each of the tokens starts a sentence; empty if no start is known."""
        if not (self.sentence_starts and sentences):
            return ()
        known = set(sentences)
        return tuple(place in known for place in range(length))


def _gap(white_space: str) -> int:
    """Return the index in `GAPS` of the gap that comes nearest to some white space."""
    if not white_space:
        return _NOTHING
    line_breaks = len(f"{white_space}.".splitlines()) - 1  # of any kind: \n, \r\n, \u2028, …
    return min(_SPACE + line_breaks, _BLANK_LINE)


def own_labels(doc: Doc) -> Labels | None:
    """Return the label set in `doc._.genner_labels`, if there is one.

    Raises:
        ValueError: If it is empty or has an empty name.
        TypeError: If it is not a label set.
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
    """Return the label set that an example was annotated with, if it is known: that of its text,
    or else that of its reference."""
    return own_labels(example.predicted) or own_labels(example.reference)


def labels_of(examples: Iterable[Example], key: str) -> Labels:
    """Return the labels of annotated examples, in alphabetical order.

    They are those of the label set of an example, or else those of its spans. If a label has
    several definitions, the first one counts.
    """
    found: Labels = {}
    for example in examples:
        spans = gold_spans(example.reference, key) or []
        labels = annotated_labels(example) or {span.label_: "" for span in spans}
        for label, definition in labels.items():
            found[label] = found.get(label) or definition
    return {label: found[label] for label in sorted(found) if label.strip()}


def gold_spans(doc: Doc, key: str) -> list[Span] | None:
    """Return the annotated spans of a reference: those in `doc.spans[key]`, or else in `doc.ents`.

    None if it has neither.
    """
    if key in doc.spans:
        return list(doc.spans[key])
    return list(doc.ents) if doc.has_annotation("ENT_IOB") else None


def blocked(doc: Doc) -> list[Span]:
    """Return a span for each token that `doc.set_ents(…, blocked=…)` has barred from entities."""
    return [
        doc[token.i : token.i + 1] for token in doc if token.ent_iob_ == "B" and not token.ent_type
    ]


def unblocked(doc: Doc, spans: Iterable[Scored]) -> list[Scored]:
    """Return the spans that contain no blocked token."""
    barred = {span.start for span in blocked(doc)}
    return [
        (span, score) for span, score in spans if barred.isdisjoint(range(span.start, span.end))
    ]


def write_spans(doc: Doc, key: str, spans: Iterable[Scored]) -> None:
    """Put spans into `doc.spans[key]`, and their scores, in the same order, as a float32 array into
    its `attrs["scores"]`."""
    spans = list(spans)
    scores = np.array([score for _, score in spans], dtype="float32")
    found = [span for span, _ in spans]
    doc.spans[key] = SpanGroup(doc, name=key, spans=found, attrs={"scores": scores})


def _longest_first(scored: Scored) -> tuple[float, ...]:
    span, score = scored
    return span.start - span.end, -score


def _best_first(scored: Scored) -> tuple[float, ...]:
    span, score = scored
    return -score, span.start - span.end


ENTS: dict[str, Callable[[Scored], tuple[float, ...]]] = {
    "outermost": _longest_first,
    "best": _best_first,
}
"""Policy → the key by which overlapping spans are sorted, so that the first ones go to `doc.ents`:
the longest, or those with the highest scores. Each of the two breaks the ties of the other."""


def write_ents(doc: Doc, spans: Iterable[Scored], policy: str, overwrite: bool) -> None:
    """Put spans that do not overlap into `doc.ents`. Blocked tokens stay blocked, and all others
    become outside.

    Args:
        spans: The spans to choose from; they contain no blocked token.
        policy: Which of overlapping spans are chosen, a key of `ENTS`.
        overwrite: Whether spans replace entities that the document has already, where they overlap
            with them; if false, these entities stay, and the spans are left out.
    """
    chosen = [span for span, _ in sorted(spans, key=ENTS[policy])]
    preset = list(doc.ents)
    taken, kept = set[int](), list[Span]()
    for span in (chosen + preset) if overwrite else (preset + chosen):
        if taken.isdisjoint(range(span.start, span.end)):
            taken.update(range(span.start, span.end))
            kept.append(span)
    for token in chain.from_iterable(preset):
        # an entity that replaces another one would inherit the identifiers of its tokens
        token.ent_id = token.ent_kb_id = 0
    doc.set_ents(kept, blocked=blocked(doc), default="outside")
