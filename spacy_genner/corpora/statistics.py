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
    """The measures of a corpus.

    Lengths are in tokens without white space, as a component's `window` counts them.

    Attributes:
        documents: The number of documents.
        tokens: The number of tokens.
        longest: The length of the longest document.
        without_spans: The number of documents without spans.
        split: The number of documents longer than the window.
        from_ents: Whether no document has the key of the spans, so that `doc.ents` were used
            instead.
        labels: The numbers of spans by label.
        nested: The number of spans that lie inside another one.
        depths: The numbers of properly nested spans by depth, from 1 for the outermost.
            Several labels on the same tokens count as nested, each one level deeper.
        unusable: The numbers of spans that a component cannot learn, by reason: those of `nest`,
            and "longer than the window".
        white_space_edges: The number of spans that start or end with a white space token.
        names: The numbers of spans by their text.
        texts: The numbers of documents by their text, without white space around it.
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
        """The number of spans."""
        return sum(self.labels.values())


def statistics(
    docs: Sequence[Doc], spans_key: str = "sc", window: int = 256, max_depth: int = 4
) -> Statistics:
    """Measure a corpus for a component with these settings.

    Args:
        docs: The documents.
        spans_key: The key of the spans in `doc.spans`. If no document has it, `doc.ents` are used.
        window: The component's window, in tokens.
        max_depth: The depth of nesting that its format can write.
    """
    result = Statistics(from_ents=not any(spans_key in doc.spans for doc in docs))
    for doc in docs:
        spans = list(doc.ents) if result.from_ents else list(doc.spans.get(spans_key, []))
        length = _length(doc)
        result.documents += 1
        result.tokens += length
        result.longest = max(result.longest, length)
        if length > window:
            result.split += 1
        if not spans:
            result.without_spans += 1
        result.texts[doc.text.strip()] += 1
        _count(spans, window, max_depth, result)
    return result


def _count(spans: Sequence[Span], window: int, max_depth: int, result: Statistics) -> None:
    """Add the spans of a document to the measures."""
    for span in spans:
        result.labels[span.label_] += 1
        result.names[span.text] += 1
        if len(span) and (span[0].is_space or span[-1].is_space):
            result.white_space_edges += 1
    entities = [Entity(span.start, span.end, span.label_) for span in spans]
    nested, _ = nest(entities)
    result.nested += len(inner(nested))
    result.depths.update(depths(nested))
    _, unusable = nest(entities, max_depth)
    result.unusable.update(reason for _, reason in unusable)
    result.unusable.update("longer than the window" for span in spans if _length(span) > window)


def _length(tokens: Doc | Span) -> int:
    return sum(not token.is_space for token in tokens)


def seen_share(train: Statistics, dev: Statistics) -> float:
    """Return the share of the spans in `dev` whose text is a span in `train`, too.

    It is 0 if `dev` has no spans.
    """
    seen = sum(count for name, count in dev.names.items() if name in train.names)
    return seen / dev.spans if dev.spans else 0.0


def shared_texts(train: Statistics, dev: Statistics) -> int:
    """Return how many documents of `dev` have the text of a document of `train`.

    Empty documents do not count.
    """
    return sum(count for text, count in dev.texts.items() if text and text in train.texts)
