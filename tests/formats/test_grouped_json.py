"""What is written is JSON, whatever the text and the labels hold, and says what it is to say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.grouped_json import GroupedJSON, read_grouped_json
from tests.formats.examples import ESSEX, LABELS, legal_texts, source_of, text_of, written
from tests.strategies import derivations, label_sets, sources

TEXT = "He works for Essex Police~."
ESSEX_ORG, LEEDS = Mention("Essex", "ORG"), Mention("Leeds", "GPE")


def test_derivations_are_written_like_this() -> None:
    assert (
        written(GroupedJSON(), TEXT, ESSEX)
        == '{"PER": [], "ORG": ["Essex Police"], "GPE": ["Essex"]}'
    )


def test_nothing_is_said_like_this() -> None:
    assert written(GroupedJSON(), TEXT, []) == '{"PER": [], "ORG": [], "GPE": []}'
    assert written(GroupedJSON(), TEXT, [], {}) == "{}"


@given(st.data())
def test_grouped_json_is_json(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = GroupedJSON().grammar(source, labels)
    moves = data.draw(derivations(grammar))
    said = [entity for entity, _ in grammar.entities(moves)]
    expected = {
        label: [
            text_of(source, e.start, e.end)
            for e in sorted(said, key=lambda e: (e.start, -e.end))
            if e.label == label
        ]
        for label in labels
    }
    assert json.loads("".join(move.text for move in moves)) == expected


def test_a_group_is_in_the_order_of_the_text() -> None:
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [') == ['], "ORG": [', '"']
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [', '"', 'y"') == ['], "ORG": [']
    assert legal_texts(GroupedJSON(1), "x y", '{"PER": [', '"', 'y"', '], "ORG": [', '"') == ['x"']


def test_moves_that_decide_spans() -> None:
    """That there is another one, and its text."""
    grammar = GroupedJSON().grammar(source_of(TEXT), LABELS)
    assert grammar.entities(grammar.derive(ESSEX)) == [
        (ESSEX[1], ([5, 6], [])),
        (ESSEX[0], ([2, 3], [])),
    ]


@pytest.mark.parametrize(
    ("text", "mentions", "unread"),
    [
        ('{"ORG": ["Essex"], "PER": [], "GPE": ["Leeds"]}', [ESSEX_ORG, LEEDS], 0),
        ('```json\n{"ORG": ["Essex"]}\n```', [ESSEX_ORG], 0),
        ('Sure!\n{"ORG": ["Essex"]}\nI hope it helps.', [ESSEX_ORG], 2),
        ('{"ORG": "Essex"}', [ESSEX_ORG], 0),
        ('{"ORG": ["Essex"], "ORG": ["Police"]}', [ESSEX_ORG, Mention("Police", "ORG")], 0),
        ('{"ORG": ["Essex"], "GPE": ["Leeds", "Lon', [ESSEX_ORG, LEEDS], 1),
        ('{"ORG": ["Essex",], "GPE": ["Leeds"]}', [ESSEX_ORG, LEEDS], 1),
        (
            '{"ORG": ["Essex", null, {"text": "Leeds"}], "YEAR": [2024]}',
            [ESSEX_ORG, Mention("2024", "YEAR")],
            2,
        ),
        ('{"ORG": ["a \\"b\\" \\u00e9\\\\"]}', [Mention('a "b" é\\', "ORG")], 0),
        ('{"ORG": ["a\nb"]}', [Mention("a\nb", "ORG")], 0),
        ('{"ORG": ["\\x", "Essex"]}', [Mention("\\x", "ORG"), ESSEX_ORG], 1),
        ("There is none.", [], 1),
        ("{}", [], 0),
        ("", [], 0),
    ],
)
def test_a_free_answer_is_read(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_grouped_json(text) == Listed(mentions, unread, grouped=True)
