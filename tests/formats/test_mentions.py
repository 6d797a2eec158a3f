"""The texts of spans, and which of them are offered."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.lists import ListState
from spacy_genner.formats.mentions import Texts
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Source
from tests.formats.examples import source_of, text_of
from tests.strategies import sources

LABELS = as_labels(["A", "B"])


def spans_of(source: Source) -> list[tuple[int, int]]:
    """Those within a sentence."""
    return [
        (start, end)
        for start in range(len(source))
        for end in range(start + 1, source.bounds()[start] + 1)
    ]


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
