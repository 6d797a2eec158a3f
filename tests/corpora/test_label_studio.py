from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.corpora.label_studio import read_task, read_task_min
from spacy_genner.corpora.record import LeftOut, Record


def region(start: Any, end: Any, *labels: str, **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "labels": list(labels), **more}


def result(*args: Any, to_name: str = "text", **more: Any) -> dict[str, Any]:
    value = region(*args, **more)
    return {
        "id": "aX",
        "from_name": "label",
        "to_name": to_name,
        "type": "labels",
        "value": value,
        "origin": "manual",
    }


def annotation(*results: Any, **more: Any) -> dict[str, Any]:
    base = {
        "id": 7,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2021-03-09T22:16:08Z",
    }
    return {**base, "result": list(results), **more}


def task(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "data": {"text": "Bonn and Ulm"},
        "annotations": list(annotations),
        "predictions": [],
        **more,
    }


def spans(record: Record | LeftOut) -> list[tuple[int, int, str]]:
    assert isinstance(record, Record)
    return [(*span.extent, span.label) for span in record.spans]


def test_a_task() -> None:
    record = read_task(
        task(annotation(result(0, 4, "LOC", text="Bonn"), result(9, 12, "LOC", "X", text="Ulm"))),
        "f:1",
    )
    assert isinstance(record, Record) and (record.place, record.text, record.ignored) == (
        "f:1",
        "Bonn and Ulm",
        (),
    )
    assert spans(record) == [(0, 4, "LOC"), (9, 12, "LOC"), (9, 12, "X")]
    assert [span.texts for span in record.spans] == [("Bonn",), ("Ulm",), ("Ulm",)]


def test_a_task_may_have_no_entities() -> None:
    assert spans(read_task(task(annotation()), "f:1")) == []


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (task(), "not annotated"),
        (
            {"data": {"text": "a"}, "predictions": [{"result": [result(0, 1, "A")]}]},
            "not annotated",
        ),
        (task(annotation(result(0, 4, "LOC"), was_cancelled=True)), "cancelled"),
    ],
)
def test_tasks_that_are_no_gold_are_left_out(item: Any, reason: str) -> None:
    assert read_task(item, "f:1") == LeftOut("f:1", reason)


@pytest.mark.parametrize(
    ("marks", "chosen"),
    [
        ([{}, {"was_cancelled": True}], 0),
        ([{"created_at": "2021-03-09"}, {"created_at": "2021-03-10"}], 1),
        ([{"created_at": "2021-03-11"}, {"created_at": "2021-03-10"}], 0),
        ([{"created_at": None}, {"created_at": "2021-03-10"}], 1),
        ([{"ground_truth": True}, {"created_at": "2022-01-01"}], 0),
        ([{"ground_truth": True, "was_cancelled": True}, {}], 1),
    ],
)
def test_one_annotation_of_a_task_is_gold(marks: list[dict[str, Any]], chosen: int) -> None:
    annotations = [annotation(result(0, 4, f"L{i}"), **more) for i, more in enumerate(marks)]
    record = read_task(task(*annotations), "f:1")
    assert isinstance(record, Record) and spans(record) == [(0, 4, f"L{chosen}")]
    done = sum(not more.get("was_cancelled") for more in marks)
    assert record.ignored == ("other annotations of a task",) * (done - 1)


def test_what_is_no_span_is_counted() -> None:
    others = [
        {"type": "choices", "value": {"choices": ["news"]}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ]
    notes = {"type": "textarea", "value": {"start": 0, "end": 4, "text": ["sure?"]}}
    item = task(
        annotation(result(0, 4, "LOC"), *others, notes, result(5, 8)), predictions=[{"result": []}]
    )
    record = read_task(item, "f:1")
    assert isinstance(record, Record) and spans(record) == [(0, 4, "LOC")]
    assert sorted(record.ignored) == [
        "choices",
        "predictions",
        "regions without a label",
        "relation",
        "textarea",
    ]


@pytest.mark.parametrize(
    ("data", "to_name", "text"),
    [
        ({"text": "a", "source": "b"}, "text", "a"),
        ({"review": "a", "text": "b"}, "review", "a"),
        ({"reviewText": "a", "stars": 3}, "text", "a"),
    ],
)
def test_the_text_is_what_the_labels_refer_to_or_the_only_one(
    data: Any, to_name: str, text: str
) -> None:
    record = read_task(task(annotation(result(0, 1, "A", to_name=to_name)), data=data), "f:1")
    assert isinstance(record, Record) and record.text == text


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            task(annotation(result(0, 1, "A")), data={"a": "x", "b": "y"}),
            r"f:1 has texts named \['a', 'b'\] and labels",
        ),
        (
            task(annotation(), data={"image": 3}),
            r"f:1 has texts named \[\] and labels of \['text'\]",
        ),
        (
            task(annotation(result(0, 1, "A"), result(0, 1, "A", to_name="b"))),
            "expected labels of one text",
        ),
        (
            task(annotation(result("/p[1]/text()[1]", "/p[1]", "A"))),
            "f:1 .* is not a span: expected whole numbers",
        ),
        (task(annotation(result("0", "1", "A"))), "f:1 .* is not a span: expected whole numbers"),
        (task(annotation(result(0.5, 1.5, "A"))), "f:1 .* is not a span: expected whole numbers"),
        (
            task(annotation({"type": "labels", "value": {"labels": ["A"]}})),
            "f:1 .* is not a span: expected `start`",
        ),
        (task(annotation({"type": "labels"})), "f:1 None is not a span: expected `start`"),
        (
            task(
                annotation(
                    {"type": "hypertextlabels", "value": {"start": "/p", "hypertextlabels": ["A"]}}
                )
            ),
            "f:1 has hypertextlabels: only spans of plain text can be read",
        ),
        (task(annotation(3)), r"f:1: `result` is \[3\]: expected a list of objects"),
        (task(3), r"f:1: `annotations` is \[3\]"),
        (task({"id": 3}), "f:1: `result` is None"),
        (task(annotations=None), "f:1: `annotations` is None"),
        (task(annotation(), predictions=3), "f:1: `predictions` is 3"),
    ],
)
def test_bad_tasks_are_named(item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_task(item, "f:1")


FACTS = {
    "id": 1,
    "annotator": 1,
    "annotation_id": 3,
    "created_at": "2021-03-09",
    "updated_at": "x",
    "lead_time": 3.5,
}


def test_an_annotation_of_json_min() -> None:
    item = {
        "text": "Bonn and Ulm",
        "label": [region(0, 4, "LOC", text="Bonn"), region(9, 12, "A", "B")],
        **FACTS,
    }
    record = read_task_min(
        {**item, "sentiment": "Positive", "topics": [{"choices": ["a", "b"]}]}, "f:1"
    )
    assert record.text == "Bonn and Ulm" and spans(record) == [
        (0, 4, "LOC"),
        (9, 12, "A"),
        (9, 12, "B"),
    ]
    assert record.spans[0].texts == ("Bonn",)


def test_json_min_without_entities() -> None:
    record = read_task_min({"reviewText": "Good case.", **FACTS}, "f:1")
    assert record.text == "Good case." and spans(record) == []


def test_a_region_of_json_min_without_a_label_is_counted() -> None:
    record = read_task_min(
        {"text": "a", "label": [region(0, 1), {"start": 0, "end": 1}], **FACTS}, "f:1"
    )
    assert spans(record) == [] and record.ignored == ("regions without a label",) * 2


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"a": "x", "b": "y"}, r"f:1 has texts named \['a', 'b'\]"),
        ({"text": "a", "label": [{"start": "/p[1]", "labels": ["A"]}]}, "f:1 .* is not a span"),
        (
            {"text": "a", "label": [region(0, 1, "")]},
            "f:1 .* is not a span: .* a label that is not empty",
        ),
        (
            {"html": "<p>", "label": [{"start": "/p", "hypertextlabels": ["A"]}]},
            "f:1 has hypertextlabels: only spans of",
        ),
    ],
)
def test_bad_annotations_of_json_min_are_named(item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_task_min({**item, **FACTS}, "f:1")
