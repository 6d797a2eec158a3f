"""Hypothesis strategies: sources in many scripts, label sets with odd names, properly nested
entities, derivations."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from spacy_genner.formats.base import Grammar
from spacy_genner.labels.label_set import Labels, as_labels
from spacy_genner.nesting import nest, within_sentences
from spacy_genner.types import Entity, Move, Source
from tests.formats.table import DELIMITERS, marks_of

ODD = [
    *["Essex", "County", "the", "University", "'s", "c-fos", "1,234.50", "2024", "x" * 40, "a", "naïve", "O'Neil"],
    *["\\", "\\\\", "\\[", "[sic]", "[a|b]", "|]", "|\\", "“", "”", "«", "'", "###"],
    *["<|im_end|>", "</s>", "<unk>", "<s>", "▁", "▁["],
    *["👍🏽", "👩‍👩‍👧", "🇬🇧", "e\u0301", "\u0301", "n\u0303o", "東京", "都", "に", "القاهرة", "עברית", "한국", "ไทย"],
    *["\ue000", "\u200b", "\u200f", "\ufeff", "\x00", "a b", " a", "［", "｜", "ﬁ", "½"],
]  # fmt: skip
"""What real texts hold, and what formats and tokenizers could stumble over."""
MARKS = [*DELIMITERS, *(2 * mark for mark in DELIMITERS), *(f"A{mark}" for mark in DELIMITERS)]
WORDS = list(dict.fromkeys([*ODD, *MARKS, *(mark.strip() for mark in marks_of("ORG"))]))
"""These, and what the formats themselves write, as it may occur in a text."""

LABELS = [
    *[
        "ORG",
        "O",
        "OR",
        "GPE ",
        "ORG]",
        "ORG:",
        "ORG | GPE",
        "ORG\\",
        "[ORG",
        "[",
        "]",
        "|",
        "\\",
        ":",
        "\\]",
        "|]",
    ],
    *[
        "natural person",
        "per-son",
        "Ort/Fluss",
        "größe",
        "組織",
        "منظمة",
        "🏢",
        "0",
        "None",
        "</s>",
        "<|im_end|>",
    ],
]

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
words = st.sampled_from(WORDS) | texts


def examples(weight: float, **others: Any) -> settings:
    """A multiple of the examples that the profile says: fewer for a test that takes long, more for
    a quick one."""
    return settings(max_examples=round(weight * settings.default.max_examples), **others)


@st.composite
def sources(draw: st.DrawFn, max_size: int = 10) -> Source:
    """With spaces, as in most scripts, or without any, as in Japanese; with lines and sentences, or
    without."""
    drawn = draw(st.lists(words, max_size=max_size))

    def each(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(values, min_size=len(drawn), max_size=len(drawn))

    spaces = draw(st.just([False] * len(drawn)) | each(st.booleans()) | each(st.integers(0, 3)))
    return Source(tuple(drawn), tuple(spaces), tuple(draw(st.just([]) | each(st.booleans()))))


names = st.sampled_from([*LABELS, *MARKS]) | texts
label_sets = st.lists(names, max_size=6, unique_by=str.strip).map(as_labels)


@st.composite
def nested(draw: st.DrawFn, source: Source, labels: Labels, max_depth: int) -> list[Entity]:
    """Entities that a format can say, in any order."""
    if not source.words or not labels:
        return []
    edges = st.integers(0, len(source))
    spans = st.tuples(edges, edges).filter(lambda edge: edge[0] < edge[1])
    drawn = draw(st.lists(st.tuples(spans, st.sampled_from(list(labels))), max_size=12))
    whole, _ = within_sentences((Entity(*span, label) for span, label in drawn), source)
    return draw(st.permutations(nest(whole, max_depth)[0]))


@st.composite
def derivations(draw: st.DrawFn, grammar: Grammar) -> list[Move]:
    """Legal moves up to the end. Each kind of move is as probable as another, however many labels
    there are."""
    moves, state = list[Move](), grammar.start
    while legal := grammar.moves(state):
        kind = draw(st.sampled_from(sorted({move.kind for move in legal})))
        moves.append(draw(st.sampled_from([move for move in legal if move.kind == kind])))
        state = grammar.advance(state, moves[-1])
        assert len(moves) < 1000, "a derivation without end"
    return moves
