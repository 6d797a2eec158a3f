"""Snips' queries: pieces that make up a text, in a file for each intent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.snips import INTENTS, read_snips

QUERY = {"data": [{"text": "play "}, {"text": "Pop 🍕", "entity": "album"}, {"text": " now"}]}


def write(folder: Path, intent: str, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    (folder / f"{intent}.json").write_text(text, "utf-8")


def test_the_pieces_make_up_the_text(tmp_path: Path) -> None:
    for intent in INTENTS:
        write(tmp_path, intent, {intent: [{"data": [{"text": intent}]}, QUERY]})
    records = read_snips(tmp_path, "{}.json")
    assert [record.text for record in records[::2]] == list(INTENTS)
    for record in records[1::2]:
        assert record.text == "play Pop 🍕 now"
        assert [(span.extent, span.label) for span in record.spans] == [((5, 10), "album")]
    assert records[3].place == f"{tmp_path / 'BookRestaurant.json'}, query 2"


def test_surrogates_in_the_bytes_of_a_file_make_a_character(tmp_path: Path) -> None:
    for intent in INTENTS:
        write(tmp_path, intent, {intent: [QUERY]})
    path = tmp_path / "PlayMusic.json"
    halves = b"\xed\xa0\xbc\xed\xbd\x95"  # the two surrogates of U+1F355
    path.write_bytes(path.read_bytes().replace("🍕".encode(), halves))
    assert {record.text for record in read_snips(tmp_path, "{}.json")} == {"play Pop 🍕 now"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], r"AddToPlaylist\.json: expected an object with a list of queries as 'AddToPlaylist'"),
        ({"PlayMusic": []}, "expected an object with a list of queries as 'AddToPlaylist'"),
        ({"AddToPlaylist": {}}, "expected an object with a list of queries"),
        ({"AddToPlaylist": ["play"]}, "query 1: expected an object with a list of pieces as"),
        ({"AddToPlaylist": [{"data": "play"}]}, "query 1: expected an object with a list of"),
        ({"AddToPlaylist": [{"data": [{"entity": "album"}]}]}, "is no piece: expected a text"),
        ({"AddToPlaylist": [{"data": [{"text": "a", "entity": ""}]}]}, "is not a span: expected"),
    ],
)
def test_damaged_files_are_named(value: Any, message: str, tmp_path: Path) -> None:
    write(tmp_path, INTENTS[0], value)
    with pytest.raises(ValueError, match=message):
        read_snips(tmp_path, "{}.json")


@pytest.mark.parametrize("content", [b'{"AddToPlaylist": "\xe9"}', b'"\xed\xa0\xbc"'])
def test_other_encodings_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "AddToPlaylist.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"AddToPlaylist\.json cannot be read .* expected UTF-8"):
        read_snips(tmp_path, "{}.json")
