from __future__ import annotations

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_genner.corpora.statistics import Statistics, seen_share, shared_texts, statistics

NLP = spacy.blank("xx")


def doc(text: str, *spans: tuple[int, int, str], key: str = "sc") -> Doc:
    made = NLP.make_doc(text)
    made.spans[key] = [Span(made, *span) for span in spans]
    return made


def test_documents_and_their_lengths() -> None:
    result = statistics([doc("a b  c", (0, 1, "A")), doc("d"), doc("")], window=2)
    assert (result.documents, result.tokens, result.longest) == (3, 4, 3)
    assert (result.without_spans, result.split) == (2, 1)
    assert statistics([doc("a b  c")], window=3).split == 0


def test_spans_nesting_and_labels() -> None:
    nested = doc("a b c d", (0, 3, "A"), (0, 2, "B"), (0, 1, "A"), (3, 4, "C"))
    result = statistics([nested, doc("a b", (0, 2, "A"))])
    assert result.labels == {"A": 3, "B": 1, "C": 1} and result.spans == 5
    assert result.depths == {1: 3, 2: 1, 3: 1} and result.nested == 2
    assert not result.unusable


def test_two_labels_on_one_span_are_not_nested() -> None:
    result = statistics(
        [
            doc("a b c", (0, 2, "A"), (0, 2, "B")),
            doc("a b c", (0, 3, "C"), (0, 2, "A"), (0, 2, "B")),
        ]
    )
    assert result.nested == 2 and result.depths == {1: 2, 2: 2, 3: 1}, (
        "each label is a level for a format"
    )


def test_what_cannot_be_learned() -> None:
    text = "a b c d e f g h"
    spans = [(0, 7, "A"), (0, 5, "A"), (0, 5, "A"), (4, 6, "B"), (1, 2, "A"), (7, 7, "A")]
    result = statistics([doc(text, *spans)], window=6, max_depth=2)
    assert result.unusable == {
        "duplicate": 1,
        "crossing": 1,
        "too deep": 1,
        "empty": 1,
        "longer than the window": 1,
    }


def test_spans_on_white_space() -> None:
    result = statistics([doc("a  b  c", (0, 2, "A"), (1, 3, "A"), (0, 3, "A"))])
    assert result.white_space_edges == 2


@pytest.mark.parametrize("key", ["sc", "gold"])
def test_ents_are_taken_where_no_document_has_the_group(key: str) -> None:
    made = doc("a b", (0, 2, "A"), key="gold")
    made.ents = [Span(made, 0, 1, "ENT")]
    result = statistics([made], spans_key=key)
    assert result.from_ents is (key == "sc")
    assert result.labels == ({"ENT": 1} if key == "sc" else {"A": 1})


def test_a_document_without_the_group_has_no_spans_where_others_have_it() -> None:
    bare = NLP.make_doc("a b")
    bare.ents = [Span(bare, 0, 1, "ENT")]
    result = statistics([bare, doc("c", (0, 1, "A"))])
    assert not result.from_ents and result.without_spans == 1 and result.labels == {"A": 1}


def test_names_that_training_has_seen() -> None:
    train = statistics([doc("New York and Bonn", (0, 2, "LOC"), (3, 4, "LOC"))])
    dev = statistics([doc("Bonn Ulm Bonn", (0, 1, "ORG"), (1, 2, "LOC"), (2, 3, "LOC"))])
    assert seen_share(train, dev) == pytest.approx(2 / 3)
    assert seen_share(dev, train) == pytest.approx(1 / 2)
    assert seen_share(train, Statistics()) == 0


def test_texts_in_both_parts() -> None:
    train = statistics([doc("a b"), doc("c"), doc("")])
    dev = statistics([doc("c "), doc("c"), doc("B"), doc(" ")])
    assert shared_texts(train, dev) == 2 and shared_texts(dev, train) == 1
