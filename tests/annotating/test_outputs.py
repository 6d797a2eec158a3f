"""Every format of the output, read again."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin

from spacy_genner.annotating.annotate import Row, annotate
from spacy_genner.annotating.inputs import Input
from spacy_genner.annotating.outputs import Output
from spacy_genner.corpora.json_lines import read_json
from spacy_genner.corpora.record import Record
from tests.annotating.pipelines import rules

TEXT = "🎉 The University of Edinburgh"
SPANS = [
    {"start": 6, "end": 29, "label": "ORG", "text": "University of Edinburgh", "score": 0.1235},
    {"start": 20, "end": 29, "label": "GPE", "text": "Edinburgh", "score": 0.5},
]


@pytest.fixture
def rows() -> list[Row]:
    """A document with scored spans, and one without any span."""
    fields = [{"id": 7, "body": TEXT, "n": [1]}, {"id": None, "body": "nothing"}]
    inputs = [Input(i, "", each, "body", each["id"]) for i, each in enumerate(fields)]
    found = [each for each in annotate(rules(), inputs) if isinstance(each, Row)]
    spans = found[0].doc.spans["sc"]
    spans.attrs["scores"] = np.array([0.123456, 0.5], dtype="float32")
    return found


def written(path: Path, rows: list[Row], **settings: Any) -> list[Any]:
    Output(**settings).write(path, rows)
    return [json.loads(line) for line in path.read_text("utf8").splitlines()]


def test_json_lines_have_all_fields_and_the_spans(rows: list[Row], tmp_path: Path) -> None:
    first, second = written(tmp_path / "out.jsonl", rows)
    assert list(first) == ["id", "body", "n", "spans"]
    assert first == {**rows[0].input.fields, "spans": SPANS}
    assert second == {"id": None, "body": "nothing", "spans": []}
    assert [TEXT[span["start"] : span["end"]] for span in first["spans"]] == [
        span["text"] for span in SPANS
    ]


def test_ents_are_written_where_there_is_no_group(rows: list[Row], tmp_path: Path) -> None:
    first, _ = written(tmp_path / "out.jsonl", rows, spans_key="other")
    assert [span["text"] for span in first["spans"]] == ["University of Edinburgh"]
    assert "score" not in first["spans"][0]


def test_a_value_that_json_has_no_type_for_becomes_a_string(
    rows: list[Row], tmp_path: Path
) -> None:
    rows[1].input.fields["day"] = datetime.date(2020, 1, 2)
    assert written(tmp_path / "out.jsonl", rows)[1]["day"] == "2020-01-02"


def test_a_number_that_json_lacks_becomes_null(rows: list[Row], tmp_path: Path) -> None:
    rows[1].input.fields.update(n=float("nan"), deep={"list": [1.5, float("-inf")]})
    second = written(tmp_path / "out.jsonl", rows)[1]
    assert second["n"] is None and second["deep"] == {"list": [1.5, None]}


def test_what_a_docbin_cannot_hold_is_an_error(rows: list[Row], tmp_path: Path) -> None:
    rows[0].doc.user_data["memory"] = {1, 2}
    with pytest.raises(ValueError, match=r"in doc\.user_data cannot be saved .* --format"):
        Output("spacy").write(tmp_path / "out.spacy", rows)


def test_a_docbin_keeps_spans_scores_and_fields(rows: list[Row], tmp_path: Path) -> None:
    Output("spacy").write(tmp_path / "out.spacy", rows)
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(spacy.blank("xx").vocab))
    assert [doc.text for doc in docs] == [TEXT, "nothing"]
    assert [span.label_ for span in docs[0].spans["sc"]] == ["ORG", "GPE"]
    assert docs[0].spans["sc"].attrs["scores"][1] == 0.5
    assert json.loads(docs[0].user_data["fields"]) == {"id": 7, "n": [1]}


def test_parquet_has_the_same_columns_in_every_part(rows: list[Row], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    Output("parquet").write(tmp_path / "out.parquet", rows)
    first, second = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert first == {"id": "7", "body": TEXT, "n": "[1]", "spans": SPANS}
    assert second == {"id": None, "body": "nothing", "n": None, "spans": []}
    Output("parquet").write(tmp_path / "second.parquet", rows[1:])
    schema = arrow.schema([("id", arrow.int8()), ("body", arrow.string()), ("n", arrow.null())])
    Output("parquet", schema=schema).write(tmp_path / "third.parquet", rows[1:])
    schemas = [
        parquet.read_schema(tmp_path / f"{name}.parquet") for name in ("out", "second", "third")
    ]
    assert {one.field("spans").type for one in schemas} == {schemas[0].field("spans").type}
    assert schemas[0].field("id").type == schemas[1].field("id").type == arrow.string()
    assert schemas[2].field("id").type == arrow.int8()


def test_without_pyarrow_an_error_says_what_to_install(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "spacy-genner\[parquet\]"'):
        Output("parquet").write(tmp_path / "out.parquet", rows)


def test_label_studio_imports_tasks_with_predictions(rows: list[Row], tmp_path: Path) -> None:
    Output("label-studio").write(tmp_path / "out.json", rows)
    first, second = json.loads((tmp_path / "out.json").read_text("utf8"))
    assert first["data"] == rows[0].input.fields
    (prediction,) = first["predictions"]
    assert prediction["score"] == 0.1235
    assert prediction["result"][1] == {
        "id": "1",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {"start": 20, "end": 29, "text": "Edinburgh", "labels": ["GPE"]},
        "score": 0.5,
    }
    assert second["predictions"] == [{"result": []}]


def test_what_label_studio_makes_of_a_prediction_is_read_back(
    rows: list[Row], tmp_path: Path
) -> None:
    """A prediction that is accepted becomes an annotation, which `convert` reads."""
    Output("label-studio").write(tmp_path / "out.json", rows[:1])
    (task,) = json.loads((tmp_path / "out.json").read_text("utf8"))
    task["data"] = {"text": task["data"]["body"]}
    accepted = tmp_path / "accepted.json"
    accepted.write_text(json.dumps([{**task, "annotations": task["predictions"]}]))
    (record,) = read_json(accepted)
    assert isinstance(record, Record)
    assert [(*span.extent, span.label) for span in record.spans] == [
        (6, 29, "ORG"),
        (20, 29, "GPE"),
    ]
    assert not any(span.fault(TEXT) for span in record.spans)


def test_prodigy_gets_tokens_and_inclusive_token_ends(rows: list[Row], tmp_path: Path) -> None:
    first, second = written(tmp_path / "out.jsonl", rows, format="prodigy")
    assert first["meta"] == {"id": 7, "n": [1]} and first["text"] == TEXT
    assert first["tokens"][1] == {"text": "The", "start": 2, "end": 5, "id": 1, "ws": True}
    assert first["spans"][0] == {**SPANS[0], "token_start": 2, "token_end": 4}
    assert second["spans"] == []
    (record,) = read_json_lines(tmp_path, [first])
    assert [(*span.extent, span.label) for span in record.spans] == [
        (6, 29, "ORG"),
        (20, 29, "GPE"),
    ]
    assert not any(span.fault(TEXT) for span in record.spans)


def read_json_lines(folder: Path, values: list[Any]) -> list[Record]:
    """What `convert` reads of records."""
    path = folder / "again.jsonl"
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return [record for record in read_json(path) if isinstance(record, Record)]


def test_presidio_gets_a_score_for_every_span(rows: list[Row], tmp_path: Path) -> None:
    first, second = written(tmp_path / "out.jsonl", rows, format="presidio")
    assert first["text"] == TEXT and first["id"] == 7
    result = {"entity_type": "GPE", "start": 20, "end": 29, "score": 0.5}
    assert first["analyzer_results"][1] == result
    assert second["analyzer_results"] == []
    first, _ = written(tmp_path / "out.jsonl", rows, format="presidio", spans_key="other")
    assert [each["score"] for each in first["analyzer_results"]] == [1.0]
