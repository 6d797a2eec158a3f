"""What is written is JSON, whatever the text and the labels hold, and says what it is to say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.offset_json import OffsetJSON
from spacy_genner.types import Entity
from tests.formats.examples import ESSEX, LABELS, legal_texts, source_of, text_of, written
from tests.strategies import derivations, label_sets, sources

TEXT = "He works for Essex Police~."


def test_derivations_are_written_like_this() -> None:
    assert written(OffsetJSON(), TEXT, ESSEX) == (
        '[{"text": "Essex Police", "label": "ORG", "start": 13, "end": 25}, '
        '{"text": "Essex", "label": "GPE", "start": 13, "end": 18}]'
    )


def test_nothing_is_said_like_this() -> None:
    assert written(OffsetJSON(), TEXT, []) == written(OffsetJSON(), TEXT, [], {}) == "[]"


@given(st.data())
def test_offsets_are_json_and_those_of_the_text(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = OffsetJSON().grammar(source, labels)
    moves = data.draw(derivations(grammar))
    items = json.loads("".join(move.text for move in moves))
    assert all(
        text_of(source, 0, len(source))[item["start"] : item["end"]] == item["text"]
        for item in items
    )
    said = [entity for entity, _ in grammar.entities(moves)]
    assert sorted((item["text"], item["label"]) for item in items) == sorted(
        (text_of(source, entity.start, entity.end), entity.label) for entity in said
    )


def test_only_the_places_of_a_text_can_be_chosen() -> None:
    begin, mention, offset = '[{"text": "', 'Paris", "label": "', 'GPE", "start": '
    text = "Paris or Paris"
    assert legal_texts(OffsetJSON(), text, begin, mention, offset) == [
        '0, "end": 5}',
        '9, "end": 14}',
    ]
    again = legal_texts(OffsetJSON(), text, begin, mention, offset, '9, "end": 14}')
    assert again == ["]"]  # GPE is the last label


def test_moves_that_decide_spans() -> None:
    """That there is another one, its text, its label, its place."""
    grammar = OffsetJSON().grammar(source_of(TEXT), LABELS)
    assert grammar.entities(grammar.derive(ESSEX)) == [
        (ESSEX[1], ([4, 5, 6, 7], [])),
        (ESSEX[0], ([0, 1, 2, 3], [])),
    ]


def test_keys_are_settings() -> None:
    format = OffsetJSON(4, "entity", "type", True, "from", 'the "to"')
    answer = '[{"type": "GPE", "entity": "Essex", "from": 13, "the \\"to\\"": 18}]'
    assert written(format, TEXT, [Entity(3, 4, "GPE")]) == answer
    assert format.read(answer) == Listed([Mention("Essex", "GPE", None, 13, 18)])
    assert format.read(answer[:-1]) == Listed([Mention("Essex", "GPE", None, 13, 18)], 1)
    assert '"entity": "entity", "from": 0, "the \\"to\\"": 6}' in format.instruction()


def test_equal_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="'text', 'label', 'end', 'end' are not all different"):
        OffsetJSON(start_key="end")
