"""Sources and what is written for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spacy_genner.answers import Marked
from spacy_genner.formats.base import Format
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity, Source

LABELS = as_labels(["PER", "ORG", "GPE"])
ESSEX = [Entity(3, 5, "ORG"), Entity(3, 4, "GPE")]
"""In "He works for Essex Police~."."""


def source_of(text: str) -> Source:
    """Tokens at spaces and, without a space before them, at "~"."""
    tokens = [(part, i == 0) for word in text.split(" ") for i, part in enumerate(word.split("~"))]
    return Source(tuple(word for word, _ in tokens), (False, *(space for _, space in tokens[1:])))


def written(
    format: Format, text: str, entities: Iterable[Entity], labels: dict[str, str] = LABELS
) -> str:
    """The answer that says these entities."""
    return "".join(move.text for move in format.grammar(source_of(text), labels).derive(entities))


def legal_texts(
    format: Format, text: str, *texts: str, labels: dict[str, str] = LABELS
) -> list[str]:
    """What may be written after these moves."""
    grammar = format.grammar(source_of(text), labels)
    state = grammar.start
    for move_text in texts:
        state = grammar.advance(
            state, next(move for move in grammar.moves(state) if move.text == move_text)
        )
    return [move.text for move in grammar.moves(state)]


def check_marked(marked: Marked, copy: str, spans: Sequence[tuple[str, str]]) -> None:
    """Check what was read of a copy: its text, and the texts and labels of its spans."""
    assert marked.text == copy
    assert [(marked.text[start:end], label) for start, end, label in marked.spans] == [*spans]


def text_of(source: Source, start: int, end: int) -> str:
    """The text of a span, with a space also where lines break."""
    words = zip(source.spaces[start:end], source.words[start:end], strict=True)
    return "".join(" " * (space > 0 and i > 0) + word for i, (space, word) in enumerate(words))
