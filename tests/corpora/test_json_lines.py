from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.json_lines import read_json
from spacy_genner.corpora.record import LeftOut, Record

SPAN = {"start": 0, "end": 4, "label": "LOC"}


def read(tmp_path: Path, *items: Any) -> list[Record | LeftOut]:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    return read_json(path)


def texts(items: list[Record | LeftOut]) -> list[str | None]:
    assert all(isinstance(item, Record) for item in items)
    return [item.text for item in items if isinstance(item, Record)]


@pytest.mark.parametrize("value", [3, "text", None])
def test_bad_records_are_named(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "", "spans": []}, value]), "utf-8")
    with pytest.raises(ValueError, match=r"a\.json\[1\] is a (int|str|NoneType): expected an object"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_what_prodigy_does_not_take_for_gold_is_left_out(tmp_path: Path, answer: str) -> None:
    text = "May was a good month for the shop."
    spans = [{"start": 0, "end": 3, "label": "PERSON"}]
    left, kept = read(
        tmp_path,
        {"text": text, "spans": spans, "answer": answer},
        {"text": "Bonn", "spans": [SPAN], "answer": "accept"},
    )
    assert left == LeftOut(f"{tmp_path / 'a.jsonl'}:1", f"answer: {answer}")
    assert isinstance(kept, Record) and kept.text == "Bonn" and len(kept.spans) == 1


def test_a_binary_answer_is_no_gold_even_if_it_is_yes(tmp_path: Path) -> None:
    (item,) = read(tmp_path, {"text": "Bonn", "spans": [SPAN], "answer": "accept", "_is_binary": True})
    assert isinstance(item, LeftOut) and "binary" in item.reason


def test_what_is_left_out_need_not_be_readable(tmp_path: Path) -> None:
    (item,) = read(tmp_path, {"html": "<b>", "answer": "ignore"})
    assert isinstance(item, LeftOut)


def test_an_answer_of_another_kind_leaves_nothing_out(tmp_path: Path) -> None:
    assert texts(read(tmp_path, {"text": "Bonn", "spans": [SPAN], "answer": "42"})) == ["Bonn"]


def test_a_record_without_spans_has_no_entities_where_others_have_spans(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path, {"text": "a"}, {"text": "Bonn", "spans": [SPAN]}, {"tokens": ["b"], "meta": {}, "answer": "accept"}
    )
    assert isinstance(one, Record) and isinstance(three, Record) and isinstance(two, Record)
    assert (one.text, one.spans, three.tokens, three.spans) == ("a", [], ["b"], [])
    assert len(two.spans) == 1


def test_a_file_without_any_spans_is_not_annotated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.jsonl:1 has lists of spans under no name: expected one of spans"):
        read(tmp_path, {"text": "a"}, {"text": "b"})
