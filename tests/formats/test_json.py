"""What the three formats write is JSON, whatever the text and the labels hold, and says what it is
to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.grouped_json import GroupedJSON
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.offset_json import OffsetJSON
from spacy_genner.types import Entity, Source
from tests.formats.examples import ESSEX, LABELS, legal_texts, source_of, written
from tests.strategies import derivations, label_sets, sources

TEXT = "He works for Essex Police~."


def text_of(source: Source, entity: Entity) -> str:
    """A span as it stands in the source."""
    pieces = zip(
        source.spaces[entity.start : entity.end],
        source.words[entity.start : entity.end],
        strict=True,
    )
    return "".join(" " * (space > 0 and i > 0) + word for i, (space, word) in enumerate(pieces))


def plain(source: Source) -> str:
    return text_of(source, Entity(0, len(source), ""))


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        (GroupedJSON(), '{"PER": [], "ORG": ["Essex Police"], "GPE": ["Essex"]}'),
        (
            OccurrenceJSON(),
            '[{"text": "Essex Police", "label": "ORG", "occurrence_index": 1}, '
            '{"text": "Essex", "label": "GPE", "occurrence_index": 1}]',
        ),
        (
            OffsetJSON(),
            '[{"text": "Essex Police", "label": "ORG", "start": 13, "end": 25}, '
            '{"text": "Essex", "label": "GPE", "start": 13, "end": 18}]',
        ),
    ],
)
def test_derivations_are_written_like_this(format: Any, expected: str) -> None:
    assert written(format, TEXT, ESSEX) == expected


@pytest.mark.parametrize(
    ("format", "empty", "without_labels"),
    [(GroupedJSON(), '{"PER": [], "ORG": [], "GPE": []}', "{}"), (OccurrenceJSON(), "[]", "[]")],
)
def test_nothing_is_said_like_this(format: Any, empty: str, without_labels: str) -> None:
    assert written(format, TEXT, []) == empty
    assert written(format, TEXT, [], {}) == without_labels


@given(st.data())
def test_grouped_json_is_json(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = GroupedJSON().grammar(source, labels)
    moves = data.draw(derivations(grammar))
    said = [entity for entity, _ in grammar.entities(moves)]
    expected = {
        label: [
            text_of(source, e)
            for e in sorted(said, key=lambda e: (e.start, -e.end))
            if e.label == label
        ]
        for label in labels
    }
    assert json.loads("".join(move.text for move in moves)) == expected


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
        places = [span for span in spans if text_of(source, span) == item["text"]]
        place = places[item["occurrence_index"] - 1]
        found.append(Entity(place.start, place.end, item["label"]))
    assert sorted(found) == [entity for entity, _ in grammar.entities(moves)]


@given(st.data())
def test_offsets_are_json_and_those_of_the_text(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = OffsetJSON().grammar(source, labels)
    moves = data.draw(derivations(grammar))
    items = json.loads("".join(move.text for move in moves))
    assert all(plain(source)[item["start"] : item["end"]] == item["text"] for item in items)
    said = [entity for entity, _ in grammar.entities(moves)]
    assert sorted((item["text"], item["label"]) for item in items) == sorted(
        (text_of(source, entity), entity.label) for entity in said
    )


def test_only_the_places_of_a_text_can_be_chosen() -> None:
    begin, mention, label = '[{"text": "', 'Paris", "label": "', 'GPE", "occurrence_index": '
    text = "Paris or Paris"
    assert legal_texts(OccurrenceJSON(), text) == ["[]", begin]
    assert legal_texts(OccurrenceJSON(), text, begin, mention, label) == ["1}", "2}"]
    person = 'PER", "occurrence_index": '
    again = (begin, mention, person, "2}", ', {"text": "')
    assert legal_texts(OccurrenceJSON(), text, *again) == [mention]
    assert legal_texts(OccurrenceJSON(), text, *again, mention, label) == ["2}"]
    offset = 'GPE", "start": '
    assert legal_texts(OffsetJSON(), text, begin, mention, offset) == [
        '0, "end": 5}',
        '9, "end": 14}',
    ]
    again = legal_texts(OffsetJSON(), text, begin, mention, offset, '9, "end": 14}')
    assert again == ["]"]  # GPE is the last label


def test_a_group_is_in_the_order_of_the_text() -> None:
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [') == ['], "ORG": [', '"']
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [', '"', 'y"') == ['], "ORG": [']
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [', '"', 'y"', '], "ORG": [', '"') == ['x"']


@pytest.mark.parametrize(
    ("format", "indices"),
    [(OccurrenceJSON(), [[4, 5, 6, 7], [0, 1, 2, 3]]), (GroupedJSON(), [[5, 6], [2, 3]])],
)
def test_moves_that_decide_spans(format: Any, indices: list[list[int]]) -> None:
    """That there is another one, its text, its label, its place."""
    grammar = format.grammar(source_of(TEXT), LABELS)
    found = grammar.entities(grammar.derive(ESSEX))
    assert found == [
        (entity, (taken, [])) for entity, taken in zip(ESSEX[::-1], indices, strict=True)
    ]
