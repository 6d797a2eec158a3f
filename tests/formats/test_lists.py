"""Which spans a list may go on with, and the texts of spans."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.lists import ListGrammar, ListState
from spacy_genner.formats.mentions import Texts
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.labels.label_set import as_labels
from spacy_genner.nesting import nest
from spacy_genner.types import Entity, Source
from tests.formats.examples import source_of
from tests.strategies import nested, sources

LABELS = as_labels(["A", "B"])


def spans_of(source: Source) -> list[tuple[int, int]]:
    """Those within a sentence."""
    return [
        (start, end)
        for start in range(len(source))
        for end in range(start + 1, source.bounds()[start] + 1)
    ]


def text_of(source: Source, start: int, end: int) -> str:
    words = zip(source.spaces[start:end], source.words[start:end], strict=True)
    return "".join(" " * (space > 0 and i > 0) + word for i, (space, word) in enumerate(words))


@given(st.data(), st.integers(1, 3))
def test_the_next_entity_comes_behind_the_others_and_nests_with_them(
    data: st.DataObject, max_depth: int
) -> None:
    source = data.draw(sources(max_size=6))
    grammar: ListGrammar = OccurrenceJSON(max_depth).grammar(source, LABELS)
    found = tuple(sorted(data.draw(nested(source, LABELS, max_depth)), key=grammar.key))
    for label in LABELS:
        spans = grammar.spans(found, label)
        for start, end in spans_of(source):
            entity = Entity(start, end, label)
            behind = not found or grammar.key(entity) > grammar.key(found[-1])
            assert bool(spans[start, end - 1]) == (
                behind and not nest([*found, entity], max_depth)[1]
            )
            assert (
                (start, end) in grammar.places(found, grammar.texts(start, end), label)
            ) == spans[start, end - 1]
    left = [label for label in LABELS if grammar.spans(found, label).any()]
    assert grammar.labels_left(found) == left


@given(sources())
def test_texts_of_spans(source: Source) -> None:
    texts = Texts(source, str)
    by_text: dict[str, list[tuple[int, int]]] = {}
    for start, end in combinations(range(len(source) + 1), 2):
        text = text_of(source, start, end)
        by_text.setdefault(text, []).append((start, end))
        assert texts(start, end) == text == texts.text[texts.starts[start] : texts.ends[end - 1]]
    assert all(texts.find(text) == places for text, places in by_text.items())
    assert texts.find("a text that is not there") == []


def test_texts_are_found_as_they_are_written() -> None:
    texts = Texts(source_of("a < b"), lambda word: word.replace("<", "&lt;"))
    assert (texts(0, 3), texts.find("&lt; b")) == ("a &lt; b", [(1, 3)])


@given(sources(), st.data())
def test_a_mention_is_offered_once(source: Source, data: st.DataObject) -> None:
    grammar = TypedList().grammar(source, LABELS)
    if not len(source):
        return
    mentions = grammar.mentions(ListState(part="mention", label="A"))
    texts = [move.text for move in mentions]
    assert len(set(texts)) == len(texts)
    assert {grammar.text(move) for move in mentions} == {
        grammar.texts(*span) for span in spans_of(source)
    }
    start, end = data.draw(st.sampled_from(spans_of(source)))
    move = mentions.move(start, end)
    assert move in list(mentions) and grammar.text(move) == grammar.texts(start, end)
    assert "".join(move.parts) == move.text


def test_many_words_are_no_burden() -> None:
    """A window full of one word has as many texts as words, at each of many places."""
    source = Source(("ha",) * 256, (True,) * 256)
    mentions: Any = (
        TypedList().grammar(source, LABELS).mentions(ListState(part="mention", label="A"))
    )
    assert [len(move.parts) for move in mentions] == [*range(2, 258)]


@pytest.mark.parametrize("format", [TypedList, OccurrenceJSON])
def test_a_depth_below_one_is_refused(format: Any) -> None:
    with pytest.raises(ValueError, match="max_depth = 0"):
        format(0)
