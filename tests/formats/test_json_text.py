"""Texts inside JSON, and JSON that is no JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.grouped_json import read_grouped_json
from spacy_genner.formats.json_items import read_mentions_json
from spacy_genner.formats.json_text import decode_items, escape_json, listed, quote, read_value


@given(st.text())
def test_a_text_is_quoted(text: str) -> None:
    assert json.loads(quote(text), strict=False) == text
    assert quote(text) == f'"{escape_json(text)}"'


def test_texts_in_any_script_stay_readable() -> None:
    assert quote('"naïve" 東京') == '"\\"naïve\\" 東京"'


@pytest.mark.parametrize(
    ("text", "items", "rests"),
    [
        ("[1, 2]", [1, 2], []),
        ("```json\n[1]\n```", [1], []),
        ("So: [1].", [1], ["So: ", "."]),
        ("[1, ", [], ["[1, "]),
        ("none", [], ["none"]),
    ],
)
def test_the_first_list_is_decoded(text: str, items: list[int], rests: list[str]) -> None:
    assert decode_items(text, "[", dict) == (items, rests)


def test_values_are_read_as_far_as_they_are_valid() -> None:
    assert [read_value(text) for text in ("3", '"a\\n"', '"a\\x"', "x")] == [3, "a\n", "a\\x", "x"]


def test_items_that_are_no_mentions_are_unread() -> None:
    items = [{"text": "Essex", "label": "ORG", "start": 0, "end": "5"}, {"text": "Leeds"}, 3]
    assert listed(items, 1) == Listed([Mention("Essex", "ORG", None, 0, -1)], 3)


@pytest.mark.parametrize("read", [read_grouped_json, read_mentions_json])
@pytest.mark.parametrize(
    "text", ["[" * 50_000, '{"a":' * 50_000, "9" * 10_000, '[{"text": ' + "9" * 10_000, '"\\ud800']
)
def test_absurd_json_is_unread(read: Callable[[str], Listed], text: str) -> None:
    assert not read(text).mentions and read(text).unread
