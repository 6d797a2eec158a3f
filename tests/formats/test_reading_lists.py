"""Lists of mentions: faithful ones give back their entities, broken ones as many as they can."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.grouped_json import read_grouped_json
from spacy_genner.formats.json_items import read_mentions_json
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.typed_list import read_typed_list
from tests.strategies import label_sets, nested, sources

READERS: list[Callable[[str], Listed]] = [read_grouped_json, read_mentions_json, read_typed_list]
NOISE = st.text(st.sampled_from('{}[]",:;.\\ -19abtextlabel')) | st.text()


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


@given(NOISE)
@pytest.mark.parametrize("read", READERS)
def test_any_text_is_read(read: Callable[[str], Listed], text: str) -> None:
    listed = read(text)
    assert (
        all(isinstance(m.text, str) and isinstance(m.label, str) for m in listed.mentions)
        and listed.unread >= 0
    )


@pytest.mark.parametrize("read", [read_grouped_json, read_mentions_json])
@pytest.mark.parametrize(
    "text", ["[" * 50_000, '{"a":' * 50_000, "9" * 10_000, '[{"text": ' + "9" * 10_000, '"\\ud800']
)
def test_absurd_json_is_unread(read: Callable[[str], Listed], text: str) -> None:
    assert not read(text).mentions and read(text).unread


def test_a_number_too_long_for_python_is_nowhere() -> None:
    text = '[{"text": "Essex", "label": "ORG", "start": ' + "9" * 10_000
    assert read_mentions_json(text) == Listed([Mention("Essex", "ORG", None, -1)], 1)


ESSEX, LEEDS = Mention("Essex", "ORG"), Mention("Leeds", "GPE")


@pytest.mark.parametrize(
    ("text", "mentions", "unread"),
    [
        ('{"ORG": ["Essex"], "PER": [], "GPE": ["Leeds"]}', [ESSEX, LEEDS], 0),
        ('```json\n{"ORG": ["Essex"]}\n```', [ESSEX], 0),
        ('Sure!\n{"ORG": ["Essex"]}\nI hope it helps.', [ESSEX], 2),
        ('{"ORG": "Essex"}', [ESSEX], 0),
        ('{"ORG": ["Essex"], "ORG": ["Police"]}', [ESSEX, Mention("Police", "ORG")], 0),
        ('{"ORG": ["Essex"], "GPE": ["Leeds", "Lon', [ESSEX, LEEDS], 1),
        ('{"ORG": ["Essex",], "GPE": ["Leeds"]}', [ESSEX, LEEDS], 1),
        (
            '{"ORG": ["Essex", null, {"text": "Leeds"}], "YEAR": [2024]}',
            [ESSEX, Mention("2024", "YEAR")],
            2,
        ),
        ('{"ORG": ["a \\"b\\" \\u00e9\\\\"]}', [Mention('a "b" é\\', "ORG")], 0),
        ('{"ORG": ["a\nb"]}', [Mention("a\nb", "ORG")], 0),
        ('{"ORG": ["\\x", "Essex"]}', [Mention("\\x", "ORG"), ESSEX], 1),
        ("There is none.", [], 1),
        ("{}", [], 0),
        ("", [], 0),
    ],
)
def test_grouped(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_grouped_json(text) == Listed(mentions, unread, grouped=True)


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
def test_mentions(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_mentions_json(text) == Listed(mentions, unread)


@pytest.mark.parametrize(
    ("text", "mentions", "unread"),
    [
        ("ORG: Essex; GPE: Leeds;.", [ESSEX, LEEDS], 0),
        (".", [], 0),
        ("", [], 0),
        ("A\\:B\\.: x\\; y\\\\ z: w.;.", [Mention("x; y\\ z: w.", "A:B.")], 0),
        ("ORG: Essex; GPE: Leeds", [ESSEX, LEEDS], 0),
        ("ORG: Essex; GPE: Leeds.\n", [ESSEX, LEEDS], 0),
        ("ORG: Essex; Police; GPE: Leeds;.", [ESSEX, LEEDS], 1),
        ("ORG: Essex; GP", [ESSEX], 1),
        ("Sure:\nORG: Essex;.", [Mention("Essex", "\nORG")], 1),
        ("There is none.", [], 1),
        ("ORG: Essex\\", [Mention("Essex\\", "ORG")], 0),
    ],
)
def test_typed(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_typed_list(text) == Listed(mentions, unread)
