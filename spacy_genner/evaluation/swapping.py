"""Gold documents with other names in the place of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..nesting import nest, outermost
from ..pipeline.docs import own_labels
from ..pipeline.extension import set_doc_labels
from ..types import Entity
from .metrics import Name
from .spans import read_own_spans


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a gold document.

    Attributes:
        words: Its tokens.
        spaces: Whether a space comes after each token.
        entities: The gold spans in it, as indices into its tokens.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]
    entities: tuple[Entity, ...] = ()

    def followed_by(self, space: bool) -> Passage:
        """Return the same passage with or without a space after its last token."""
        return Passage(self.words, (*self.spaces[:-1], space), self.entities)


Names: TypeAlias = Mapping[str, Mapping[str, Passage]]
"""Names by label and then by text, as `Name` has it. Each brings the spans inside it."""


def names_of(docs: Iterable[Doc], spans_key: str) -> Names:
    """Return the outermost names of gold documents.

    Args:
        docs: The gold documents.
        spans_key: The key of the spans, as in `read_own_spans`.
    """
    found: dict[str, dict[str, Passage]] = {}
    for doc in docs:
        for name, passage in _cut(doc, spans_key):
            if name is not None:
                text, label = name
                found.setdefault(label, {}).setdefault(text, passage)
    return found


def without(names: Names, known: Set[Name]) -> Names:
    """Return the names whose text is not that of a known name, whatever its label."""
    texts = {text for text, _ in known}
    return {
        label: {text: passage for text, passage in by_text.items() if text not in texts}
        for label, by_text in names.items()
    }


@dataclass(slots=True)
class Swapper:
    """Puts other names of the same labels into gold documents.

    An outermost span is swapped as a whole: the spans inside it go, and the new name brings its
    own. The same name becomes the same new name throughout a document. Names are drawn at random,
    each distinct one with the same probability, and a name without another one of its label stays.
    Gold spans that cross a longer one are left out, as in training.

    Attributes:
        names: The names to draw from.
        spans_key: The key of the spans.
        random: What draws.
        swapped, kept: How many names of each label were swapped, and how many stayed.
    """

    names: Names
    spans_key: str
    random: Random
    swapped: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def __call__(self, doc: Doc) -> Doc:
        """Return a gold document with other names; it has the label set of the given one."""
        drawn: dict[Name, Passage | None] = {}
        parts = list[Passage]()
        for name, passage in _cut(doc, self.spans_key):
            if name is None:
                parts.append(passage)
                continue
            if name not in drawn:
                drawn[name] = self._draw(*name)
            other = drawn[name]
            (self.kept if other is None else self.swapped)[name[1]] += 1
            parts.append(other.followed_by(passage.spaces[-1]) if other else passage)
        result = _joined(doc.vocab, parts, self.spans_key, doc.has_unknown_spaces)
        set_doc_labels(result, own_labels(doc))
        return result

    def _draw(self, text: str, label: str) -> Passage | None:
        """Draw another name of a label; None if there is none."""
        texts = [other for other in self.names.get(label, ()) if other != text]
        return self.names[label][self.random.choice(texts)] if texts else None


def _cut(doc: Doc, spans_key: str) -> Iterator[tuple[Name | None, Passage]]:
    """Cut a gold document into its outermost names and what is between them, without a name."""
    spans = [span for span, _ in read_own_spans(doc, spans_key)]
    nested, _ = nest(Entity(span.start, span.end, span.label_) for span in spans)
    end = 0
    for outer in outermost(nested):
        yield None, _passage(doc, end, outer.start)
        inside = [entity for entity in nested if outer.start <= entity.start < outer.end]
        text = " ".join(doc[outer.start : outer.end].text.lower().split())
        yield (text, outer.label), _passage(doc, outer.start, outer.end, inside)
        end = outer.end
    yield None, _passage(doc, end, len(doc))


def _passage(doc: Doc, start: int, end: int, entities: Iterable[Entity] = ()) -> Passage:
    tokens = doc[start:end]
    return Passage(
        tuple(token.text for token in tokens),
        tuple(bool(token.whitespace_) for token in tokens),
        tuple(Entity(e.start - start, e.end - start, e.label) for e in entities),
    )


def _joined(vocab: Vocab, parts: Sequence[Passage], spans_key: str, unknown_spaces: bool) -> Doc:
    """Return passages as one gold document."""
    words, spaces, entities = list[str](), list[bool](), list[Entity]()
    for part in parts:
        at = len(words)
        entities += [Entity(e.start + at, e.end + at, e.label) for e in part.entities]
        words += part.words
        spaces += part.spaces
    doc = Doc(vocab, words=words, spaces=None if unknown_spaces else spaces)
    doc.spans[spans_key] = [Span(doc, e.start, e.end, label=e.label) for e in entities]
    return doc
