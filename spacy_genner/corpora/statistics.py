"""What a training and a development corpus hold, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc, Span

from ..nesting import depths, inner, nest
from ..types import Entity


@dataclass
class Statistics:
    """The measures of a corpus. Lengths are in tokens without white space, as a `window` counts
    them.

    Attributes:
        longest: The length of the longest document.
        without_spans: Documents with no span.
        split: Documents longer than the window.
        from_ents: Whether no document has the group of spans, so that `doc.ents` were taken
            instead.
        labels: Spans by label.
        nested: Spans that lie inside another one.
        depths: Properly nested spans by depth, from 1 for the outermost; of several labels on one
            extent each is deeper.
        unusable: Spans that a component cannot learn, by reason: those of `nest`, and "longer than
            the window".
        white_space_edges: Spans that start or end with a white space token.
        names: Spans by their text.
        texts: The texts, without white space around them.
    """

    documents: int = 0
    tokens: int = 0
    longest: int = 0
    without_spans: int = 0
    split: int = 0
    from_ents: bool = False
    labels: Counter[str] = field(default_factory=Counter)
    nested: int = 0
    depths: Counter[int] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    white_space_edges: int = 0
    names: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    @property
    def spans(self) -> int:
        """How many spans there are."""
        return sum(self.labels.values())


def statistics(
    docs: Sequence[Doc], spans_key: str = "sc", window: int = 256, max_depth: int = 4
) -> Statistics:
    """The measures of a corpus for a component with these settings."""
    result = Statistics(from_ents=not any(spans_key in doc.spans for doc in docs))
    for doc in docs:
        spans = list(doc.ents) if result.from_ents else list(doc.spans.get(spans_key, []))
        length = _length(doc)
        result.documents += 1
        result.tokens += length
        result.longest = max(result.longest, length)
        result.split += length > window
        result.without_spans += not spans
        result.texts[doc.text.strip()] += 1
        _count(spans, window, max_depth, result)
    return result


def _count(spans: Sequence[Span], window: int, max_depth: int, result: Statistics) -> None:
    result.labels.update(span.label_ for span in spans)
    result.names.update(span.text for span in spans)
    result.white_space_edges += sum(
        span[0].is_space or span[-1].is_space for span in spans if len(span)
    )
    entities = [Entity(span.start, span.end, span.label_) for span in spans]
    kept = nest(entities)[0]
    result.nested += len(inner(kept))
    result.depths.update(depths(kept))
    result.unusable.update(reason for _, reason in nest(entities, max_depth)[1])
    result.unusable.update("longer than the window" for span in spans if _length(span) > window)


def _length(tokens: Doc | Span) -> int:
    return sum(not token.is_space for token in tokens)


def seen_share(train: Statistics, dev: Statistics) -> float:
    """The share of the spans in `dev` whose text is a span in `train` too; 0 if `dev` has none."""
    seen = sum(count for name, count in dev.names.items() if name in train.names)
    return seen / dev.spans if dev.spans else 0.0


def shared_texts(train: Statistics, dev: Statistics) -> int:
    """How many documents of `dev` have the text of a document of `train`; empty ones do not
    count."""
    return sum(count for text, count in dev.texts.items() if text and text in train.texts)
