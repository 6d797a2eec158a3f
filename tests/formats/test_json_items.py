"""Free answers in JSON lists: faithful ones give back their entities, broken ones as many as they can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.json_items import read_mentions_json
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from tests.strategies import label_sets, nested, sources

ESSEX, LEEDS = Mention("Essex", "ORG"), Mention("Leeds", "GPE")


@given(st.data())
def test_a_list_cut_off_keeps_its_whole_mentions(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    moves = OccurrenceJSON().grammar(source, labels).derive(data.draw(nested(source, labels, 3)))
    text = "".join(move.text for move in moves)
    ends = [
        len("".join(move.text for move in moves[:n]))
        for n, move in enumerate(moves, 1)
        if move.kind == "place"
    ]
    for mention, end in zip(read_mentions_json(text).mentions, ends, strict=True):
        cut = data.draw(st.integers(end, len(text) - 1))
        assert mention in read_mentions_json(text[:cut]).mentions


@pytest.mark.parametrize(
    ("text", "mentions", "unread"),
    [
        (
            '[{"text": "Essex", "label": "ORG", "occurrence_index": 2}]',
            [Mention("Essex", "ORG", 2)],
            0,
        ),
        (
            '[{"text": "Essex", "label": "ORG", "start": 0, "end": 5}]',
            [Mention("Essex", "ORG", None, 0, 5)],
            0,
        ),
        (
            '[{"text": "Essex", "label": "ORG", "start": "0", "end": 5.0}]',
            [Mention("Essex", "ORG", None, -1, -1)],
            0,
        ),
        (
            '[{"text": "Essex", "label": "ORG"}, {"text": "Leeds"}, 3, '
            '{"label": "GPE", "text": "Leeds"}]',
            [ESSEX, LEEDS],
            2,
        ),
        (
            '[{"text": "Essex", "label": "ORG"}, {"text": "Leeds", "label": "GPE", "occ',
            [ESSEX, LEEDS],
            1,
        ),
        ('[{"text": "Essex", "label": "ORG"} {"text": "Leeds" "label": "GPE"}]', [ESSEX, LEEDS], 1),
        ('[{"text": "Essex", "label": "ORG"}, {"text": "Le', [ESSEX], 1),
        (
            '[{"text": "Essex", "label": "ORG"}]\n[{"text": "Leeds", "label": "GPE"}]',
            [ESSEX, LEEDS],
            1,
        ),
        ('As in [1]: [{"text": "Essex", "label": "ORG"}]', [ESSEX], 3),
        ('{"text": "Essex", "label": "ORG"}', [ESSEX], 1),
        ('[{"text": "a [{\\"", "label": "ORG"},', [Mention('a [{"', "ORG")], 1),
        ("[]", [], 0),
        ("There is none.", [], 1),
    ],
)
def test_a_free_answer_is_read(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_mentions_json(text) == Listed(mentions, unread)


def test_a_number_too_long_for_python_is_nowhere() -> None:
    text = '[{"text": "Essex", "label": "ORG", "start": ' + "9" * 10_000
    assert read_mentions_json(text) == Listed([Mention("Essex", "ORG", None, -1)], 1)
