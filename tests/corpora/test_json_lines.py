"""Files of records. The layouts have tests of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.json_lines import Item, read_json
from spacy_genner.corpora.record import LeftOut, Record

SPAN = {"start": 0, "end": 4, "label": "LOC"}


def read(tmp_path: Path, *items: Any, **settings: Any) -> list[Item]:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    return read_json(path, **settings)


def texts(items: list[Item]) -> list[str | None]:
    assert all(isinstance(item, Record) for item in items)
    return [item.text for item in items if isinstance(item, Record)]


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
    (item,) = read(
        tmp_path, {"text": "Bonn", "spans": [SPAN], "answer": "accept", "_is_binary": True}
    )
    assert isinstance(item, LeftOut) and "binary" in item.reason


def test_what_is_left_out_need_not_be_readable(tmp_path: Path) -> None:
    (item,) = read(tmp_path, {"html": "<b>", "answer": "ignore"})
    assert isinstance(item, LeftOut)


def test_an_answer_of_another_kind_leaves_nothing_out(tmp_path: Path) -> None:
    assert texts(read(tmp_path, {"text": "Bonn", "spans": [SPAN], "answer": "42"})) == ["Bonn"]


def test_a_record_without_spans_has_no_entities_where_others_have_spans(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path,
        {"text": "a"},
        {"text": "Bonn", "spans": [SPAN]},
        {"tokens": ["b"], "meta": {}, "answer": "accept"},
    )
    assert isinstance(one, Record) and isinstance(three, Record) and isinstance(two, Record)
    assert (one.text, one.spans, three.tokens, three.spans) == ("a", [], ["b"], [])
    assert len(two.spans) == 1


def test_a_file_without_any_spans_is_not_annotated(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"a\.jsonl:1 has lists of spans under no name: expected one of spans"
    ):
        read(tmp_path, {"text": "a"}, {"text": "b"})


@pytest.mark.parametrize(
    "content",
    [
        '[["Bonn", {"entities": [[0, 4, "LOC"]]}], ["", {"entities": []}]]',
        '["Bonn", {"entities": [[0, 4, "LOC"]]}]\n["", {"entities": []}]',
    ],
)
def test_training_examples_of_spacy_2(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    one, two = read_json(path)
    assert isinstance(one, Record) and isinstance(two, Record)
    assert (one.text, two.text, two.spans) == ("Bonn", "", [])
    assert [(*span.extent, span.label) for span in one.spans] == [(0, 4, "LOC")] and not one.utf16


def test_one_training_example_of_spacy_2(tmp_path: Path) -> None:
    assert texts(read(tmp_path, ["Bonn", {"entities": []}])) == ["Bonn"]


def test_texts_of_ner_annotator(tmp_path: Path) -> None:
    annotations = [["😀 Bonn\r", {"entities": [[3, 7, "LOC"]]}], None, ["", {"entities": []}]]
    one, left, two = read(tmp_path, {"classes": ["LOC"], "annotations": annotations})
    assert isinstance(one, Record) and one.utf16 and one.text == "😀 Bonn\r"
    assert [(*span.extent, span.label) for span in one.spans] == [(3, 7, "LOC")]
    assert left == LeftOut(f"{tmp_path / 'a.jsonl'}:1, annotations[1]", "skipped")
    assert (
        isinstance(two, Record)
        and two.text == ""
        and two.place.endswith("a.jsonl:1, annotations[2]")
    )


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (3, r"a\.jsonl:1 is of type int: expected an object"),
        ("text", r"a\.jsonl:1 is of type str: expected an object"),
        ([["a", {"entities": []}, 3]], r"a\.jsonl\[0\] is of type list: expected an object"),
        (
            [{"text": "a", "spans": []}, None],
            r"a\.jsonl\[1\] is of type NoneType: expected an object",
        ),
        (
            {"classes": [], "annotations": [["a"]]},
            r"a\.jsonl:1, annotations\[0\] is \['a'\]: expected \[text, ",
        ),
        (["a", {"entities": 3}], r"a\.jsonl:1 has lists of spans under no name"),
        ({"classes": ["LOC"], "annotations": []}, r"a\.jsonl has no text in its `annotations`"),
    ],
)
def test_bad_records_are_named(tmp_path: Path, item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, item)


@pytest.mark.parametrize(
    ("item", "layout"),
    [
        ({"data": {"text": "a"}, "annotations": []}, "read_task"),
        ({"text": "a", "annotation_id": 3}, "read_task_min"),
        ({"tokenized_text": ["a"], "ner": []}, "read_gliner"),
        ({"tokens": ["a"], "ner_tags": ["O"], "spans": ["PER: a"]}, "read_tags"),
        ({"tokens": ["a"], "tags": ["O"]}, "read_tags"),
        ({"tokens": ["a"], "tags": ["news"], "entities": []}, "read_span_record"),
        ({"text": "a", "ents": [], "tokens": []}, "read_doc"),
        ({"text": "a", "spans": {}}, "read_doc"),
        ({"text": "a", "tokens": [{"id": 0, "start": 0, "end": 1}]}, "read_doc"),
        (
            {"text": "a", "tokens": [{"id": 0, "start": 0, "end": 1, "text": "a"}], "spans": []},
            "read_span_record",
        ),
        ({"data": "a", "label": []}, "read_span_record"),
    ],
)
def test_the_shape_tells_the_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: Any, layout: str
) -> None:
    called = LeftOut("", "called")
    monkeypatch.setattr(f"spacy_genner.corpora.json_lines.{layout}", lambda *_, **__: called)
    assert read(tmp_path, item) == [called]


def test_settings_reach_the_layouts(tmp_path: Path) -> None:
    (tagged,) = read(tmp_path, {"tokens": ["a"], "ner_tags": [1]}, tag_names=["O", "B-A"])
    assert not isinstance(tagged, Record | LeftOut) and len(tagged.levels[0].chunks) == 1
    (record,) = read(
        tmp_path, {"text": "Bonn", "spans": {"gold": [SPAN], "sc": []}}, spans_key="gold"
    )
    assert isinstance(record, Record) and len(record.spans) == 1
