from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.json_lines import Record, read_json


def read(tmp_path: Path, text: str, name: str = "a.jsonl") -> list[Record]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_json(path)


@pytest.mark.parametrize("name", ["spans", "entities", "label", "labels"])
@pytest.mark.parametrize(
    "span",
    [
        [0, 4, "LOC"],
        {"start": 0, "end": 4, "label": "LOC"},
        {"start": 0, "end": 4, "label": "LOC", "token_start": 7, "text": "Bonn"},
        {"start_offset": 0, "end_offset": 4, "label": "LOC", "id": 3},
        {"span": [0, 4], "type": "LOC", "name": "Bonn"},
        {"start": 0, "end": 4, "entity_type": "LOC"},
    ],
)
def test_every_layout_of_a_span(tmp_path: Path, name: str, span: Any) -> None:
    (record,) = read(tmp_path, json.dumps({"text": "Bonn!", name: [span]}))
    assert (record.text, record.spans) == ("Bonn!", [(0, 4, "LOC")])


def test_tokens_with_token_offsets(tmp_path: Path) -> None:
    mentions = [{"start": 0, "end": 2, "entity_type": "LOC", "text": "New York"}]
    (record,) = read(tmp_path, json.dumps({"tokens": ["New", "York"], "sent_id": "x", "entity_mentions": mentions}))
    assert (record.text, record.tokens, record.spans) == (None, ["New", "York"], [(0, 2, "LOC")])


def test_a_text_comes_before_tokens(tmp_path: Path) -> None:
    """Prodigy writes both; its spans have character offsets."""
    item = {"text": "Bonn", "tokens": [{"text": "Bonn", "start": 0}], "spans": [[0, 4, "LOC"]], "label": "news"}
    (record,) = read(tmp_path, json.dumps(item))
    assert (record.text, record.tokens) == ("Bonn", [])


def test_lines_have_places_and_may_be_blank(tmp_path: Path) -> None:
    one, two = read(tmp_path, '{"text": "a\u2028b", "spans": []}\n\n{"text": "", "spans": []}\n')
    assert one.text == "a\u2028b" and one.place == f"{tmp_path / 'a.jsonl'}:1"
    assert two.text == "" and two.place == f"{tmp_path / 'a.jsonl'}:3"


def test_an_array_of_many_lines(tmp_path: Path) -> None:
    entity = {"name": "東京", "span": [0, 2], "type": "地名"}
    items = [{"text": "東京", "entities": [entity]}, {"text": "", "spans": []}]
    one, two = read(tmp_path, "\n" + json.dumps(items, indent=4), "ner.json")
    assert one.spans == [(0, 2, "地名")] and one.place == f"{tmp_path / 'ner.json'}[0]"
    assert two.place.endswith("[1]")


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a", "spans": []}'))
    assert [record.text for record in read_json(path)] == ["a"]


@pytest.mark.parametrize("text", ["", "\n", "[]"])
def test_an_empty_file_has_no_records(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a", "spans": []}\n{"text": ', r"a\.jsonl:2 is not JSON .* expected an object a line"),
        ('[{"text": "a"', r"a\.jsonl is not JSON"),
        ('["a", {"entities": []}]\n["b", {"entities": []}]', r"a\.jsonl is not JSON"),
        ('["a", {"entities": []}]', r"a\.jsonl\[0\] is a str: expected an object"),
        ("3", r"a\.jsonl:1 is a int"),
        ('{"text": "a"}', r"a\.jsonl:1 has lists of spans under no name: expected one of spans, entities"),
        ('{"text": "a", "label": "x"}', "under no name"),
        ('{"text": "a", "spans": [], "entities": []}', r"under \['spans', 'entities'\]"),
        ('{"spans": []}', "neither a string as `text` nor a list of strings as `tokens`"),
        ('{"text": 3, "spans": []}', "neither a string"),
        ('{"tokens": [{"text": "a"}], "spans": []}', "neither a string"),
    ],
)
def test_bad_records_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "span",
    [[0, 1], [0, 1, ""], [0, 1, " "], [0, 1, None], ["0", "1", "A"], [0.0, 1.0, "A"], [0, 1, "A", "B"], 3, "0 1 A",
     {"start": 0, "label": "A"}, {"start": 0, "end": 1}, {"span": [0, 1, 2], "label": "A"}],
)  # fmt: skip
def test_bad_spans_are_named(tmp_path: Path, span: Any) -> None:
    with pytest.raises(ValueError, match=r"a\.jsonl:1 .* is no span: expected whole numbers"):
        read(tmp_path, json.dumps({"text": "ab", "spans": [span]}))
