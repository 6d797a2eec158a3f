"""What is written is JSON, whatever the text and the labels hold, and says what it is to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
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


OTHER = OccurrenceJSON(4, "entity", "type", False, "nr", 0)
ZERO = '[{"entity": "Essex", "type": "ORG", "nr": 0}, {"entity": "Essex", "type": "GPE", "nr": 1}]'


def test_keys_and_the_first_number_are_settings() -> None:
    found = [Entity(0, 1, "ORG"), Entity(2, 3, "GPE")]
    assert written(OTHER, "Essex or Essex", found) == ZERO
    assert OTHER.read(ZERO).mentions == [Mention("Essex", "ORG", 1), Mention("Essex", "GPE", 2)]
    assert '{"entity": "entity", "type": "LABEL", "nr": 0}' in OTHER.instruction()


def test_broken_json_with_other_keys_is_read() -> None:
    assert OTHER.read(ZERO.replace("}, {", "} {")) == Listed(OTHER.read(ZERO).mentions, 1)
    assert OTHER.read(ZERO[:-40]) == Listed([Mention("Essex", "ORG", 1)], 1)
    assert OTHER.read('[{"entity": "Essex", "type": "ORG", "nr": -1}]').mentions == [
        Mention("Essex", "ORG", 0)  # is no occurrence
    ]


def test_a_field_with_the_default_name_of_another_is_no_text() -> None:
    answer = '[{"text": "He works.", "word": "Essex", "text_type": "ORG"}]'
    format = OccurrenceJSON(text_key="word", label_key="text_type")
    assert format.read(answer) == Listed([Mention("Essex", "ORG")])


def test_the_label_may_come_first() -> None:
    format = OccurrenceJSON(label_first=True)
    assert written(format, TEXT, ESSEX) == (
        '[{"label": "ORG", "text": "Essex Police", "occurrence_index": 1}, '
        '{"label": "GPE", "text": "Essex", "occurrence_index": 1}]'
    )
    begin, place = '[{"label": "', '", "occurrence_index": '
    assert legal_texts(format, "a b", begin) == [
        f'{label}", "text": "' for label in ("PER", "ORG", "GPE")
    ]
    after = (begin, 'GPE", "text": "', f"a b{place}", "1}", ', {"label": "')
    assert legal_texts(format, "a b", *after, 'GPE", "text": "') == [f"a{place}", f"b{place}"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"text_key": "label"}, "the keys 'label', 'label', 'occurrence_index' are not all"),
        ({"occurrence_key": "text"}, "the keys 'text', 'label', 'text' are not all different"),
        ({"first_occurrence": 2}, "first_occurrence = 2: occurrences are counted from 0 or from 1"),
        ({"max_depth": 0}, "max_depth = 0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OccurrenceJSON(**settings)
