"""What is written is JSON, whatever the text and the labels hold, and says what it is to say."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.types import Entity
from tests.formats.examples import ESSEX, LABELS, legal_texts, source_of, text_of, written
from tests.strategies import derivations, label_sets, sources

TEXT = "He works for Essex Police~."


def test_derivations_are_written_like_this() -> None:
    assert written(OccurrenceJSON(), TEXT, ESSEX) == (
        '[{"text": "Essex Police", "label": "ORG", "occurrence_index": 1}, '
        '{"text": "Essex", "label": "GPE", "occurrence_index": 1}]'
    )


def test_nothing_is_said_like_this() -> None:
    assert written(OccurrenceJSON(), TEXT, []) == "[]"
    assert written(OccurrenceJSON(), TEXT, [], {}) == "[]"


@given(st.data())
def test_occurrences_are_json_and_count_the_places_of_a_text(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = OccurrenceJSON().grammar(source, labels)
    moves = data.draw(derivations(grammar))
    items = json.loads("".join(move.text for move in moves))
    size = len(source)
    spans = [Entity(start, end, "") for start in range(size) for end in range(start + 1, size + 1)]
    found = []
    for item in items:
        places = [span for span in spans if text_of(source, span.start, span.end) == item["text"]]
        place = places[item["occurrence_index"] - 1]
        found.append(Entity(place.start, place.end, item["label"]))
    assert sorted(found) == [entity for entity, _ in grammar.entities(moves)]


def test_only_the_places_of_a_text_can_be_chosen() -> None:
    begin, mention, label = '[{"text": "', 'Paris", "label": "', 'GPE", "occurrence_index": '
    text = "Paris or Paris"
    assert legal_texts(OccurrenceJSON(), text) == ["[]", begin]
    assert legal_texts(OccurrenceJSON(), text, begin, mention, label) == ["1}", "2}"]
    person = 'PER", "occurrence_index": '
    again = (begin, mention, person, "2}", ', {"text": "')
    assert legal_texts(OccurrenceJSON(), text, *again) == [mention]
    assert legal_texts(OccurrenceJSON(), text, *again, mention, label) == ["2}"]


def test_moves_that_decide_spans() -> None:
    """That there is another one, its text, its label, its place."""
    grammar = OccurrenceJSON().grammar(source_of(TEXT), LABELS)
    assert grammar.entities(grammar.derive(ESSEX)) == [
        (ESSEX[1], ([4, 5, 6, 7], [])),
        (ESSEX[0], ([0, 1, 2, 3], [])),
    ]
