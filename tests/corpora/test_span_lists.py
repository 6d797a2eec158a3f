from __future__ import annotations

from typing import Any

import pytest
import spacy
from spacy.tokens import Span

from spacy_genner.corpora.record import LeftOut, Record
from spacy_genner.corpora.span_lists import read_doc, read_span_record


def spans(record: Record | LeftOut) -> list[tuple[int, int, str]]:
    assert isinstance(record, Record)
    return [(*span.extent, span.label) for span in record.spans]


@pytest.mark.parametrize("name", ["spans", "entities", "label", "labels", "entity_mentions"])
@pytest.mark.parametrize(
    ("span", "texts"),
    [
        ([0, 4, "LOC"], ()),
        ({"start": 0, "end": 4, "label": "LOC"}, ()),
        ({"start": 0, "end": 4, "label": "LOC", "token_start": 7, "text": "Bonn"}, ("Bonn",)),
        ({"start_offset": 0, "end_offset": 4, "label": "LOC", "id": 3}, ()),
        ({"span": [0, 4], "type": "LOC", "name": "Bonn"}, ("Bonn",)),
        ({"start": 0, "end": 4, "entity_type": "LOC", "text": None, "name": "the city"}, ()),
    ],
)
def test_every_layout_of_a_span(name: str, span: Any, texts: tuple[str, ...]) -> None:
    record = read_span_record({"text": "Bonn!", name: [span]}, "f:1")
    assert (record.text, spans(record), record.spans[0].texts) == ("Bonn!", [(0, 4, "LOC")], texts)


@pytest.mark.parametrize("name", ["label", "labels"])
def test_labels_of_the_whole_text_are_no_spans(name: str) -> None:
    assert spans(
        read_span_record({"text": "Bonn", "spans": [[0, 4, "LOC"]], name: ["news"]}, "f:1")
    ) == [(0, 4, "LOC")]
    assert spans(read_span_record({"text": "Bonn", name: []}, "f:1")) == []


def test_tokens_with_token_offsets() -> None:
    mentions = [{"start": 0, "end": 2, "entity_type": "LOC", "text": "New York"}]
    record = read_span_record(
        {"tokens": ["New", "York"], "sent_id": "x", "entity_mentions": mentions}, "f:1"
    )
    assert (record.text, record.tokens, spans(record)) == (None, ["New", "York"], [(0, 2, "LOC")])
    assert record.spans[0].texts == ("New York",)


def test_a_text_comes_before_tokens() -> None:
    """Prodigy writes both; its spans have character offsets."""
    tokens = [{"text": "Bonn", "start": 0}]
    record = read_span_record(
        {"text": "Bonn", "tokens": tokens, "spans": [[0, 4, "LOC"]], "label": "news"}, "f:1"
    )
    assert (record.text, record.tokens) == ("Bonn", [])


WORDS = [("In", 0), ("New", 3), ("York", 7), (".", 11)]
TOKENS = [
    {"text": text, "start": start, "end": start + len(text), "id": i}
    for i, (text, start) in enumerate(WORDS)
]


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "text", "contradiction"),
    [
        (3, 11, 1, 2, "NewYork", ""),
        (3, 11, 1, 1, "New", "tokens differ"),
        (3, 6, 1, 2, "NewYork", "tokens differ"),
        (3, 11, 7, 8, "", "tokens differ"),
        (3, 11, 2, 1, "", "tokens differ"),
    ],
)
def test_prodigys_tokens_say_what_stands_there(
    start: int, end: int, first: int, last: int, text: str, contradiction: str
) -> None:
    span = {"start": start, "end": end, "label": "LOC", "token_start": first, "token_end": last}
    (found,) = read_span_record(
        {"text": "In New York.", "tokens": TOKENS, "spans": [span]}, "f:1"
    ).spans
    assert (found.texts, found.contradiction) == ((text,), contradiction), (
        "the last token is counted in"
    )
    (found,) = read_span_record(
        {"text": "In New York.", "tokens": [*TOKENS, {}], "spans": [span]}, "f:1"
    ).spans
    assert (found.texts, found.contradiction) == ((), ""), "tokens of another kind say nothing"


@pytest.mark.parametrize(
    ("item", "utf16"),
    [
        ({"text": "a", "label": [[0, 1, "A"]], "Comments": []}, True),
        (
            {
                "text": "a",
                "entities": [{"start_offset": 0, "end_offset": 1, "label": "A"}],
                "relations": [],
            },
            True,
        ),
        ({"text": "a", "label": [[0, 1, "A"]]}, False),
        ({"text": "a", "entities": [{"start": 0, "end": 1, "label": "A"}]}, False),
    ],
)
def test_doccanos_offsets_count_utf_16_units(item: Any, utf16: bool) -> None:
    assert read_span_record(item, "f:1").utf16 is utf16


def test_doccanos_old_name_of_the_text() -> None:
    record = read_span_record({"id": 3, "data": "Bonn", "label": [[0, 4, "LOC"]]}, "f:1")
    assert record.text == "Bonn" and spans(record) == [(0, 4, "LOC")]


def test_relations_are_counted() -> None:
    relations = [{"from_id": 1, "to_id": 2, "type": "in"}] * 2
    assert (
        read_span_record({"text": "a", "spans": [], "relations": relations}, "f:1").ignored
        == ("relations",) * 2
    )


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"text": "a"}, "f:1 has lists of spans under no name: expected one of spans, entities"),
        ({"text": "a", "label": "x"}, "under no name"),
        ({"text": "a", "spans": [], "entities": []}, r"under \['spans', 'entities'\]"),
        ({"spans": []}, "neither a string as `text` nor a list of strings as `tokens`"),
        ({"text": 3, "spans": []}, "neither a string"),
        ({"tokens": [{"text": "a"}], "spans": []}, "neither a string"),
    ],
)
def test_bad_records_are_named(item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_span_record(item, "f:1")


@pytest.mark.parametrize(
    "span",
    [[0, 1, ""], [0, 1, " "], [0, 1, None], ["0", "1", "A"], [0.0, 1.0, "A"], [0, True, "A"], [False, 1, "A"],
     [0, 1e400, "A"], {"start": 0, "label": "A"}, {"start": 0, "end": 1}, {"span": [0, 1, 2], "label": "A"},
     {"start": "0", "end": "1", "label": "A"}, [0, 1], [0, 1, "A", "B"], 3, "0 1 A", None],
)  # fmt: skip
def test_bad_spans_are_named(span: Any) -> None:
    with pytest.raises(ValueError, match=r"f:1 .* is not a span: expected"):
        read_span_record({"text": "ab", "spans": [span]}, "f:1")


DOC = {
    "text": "The University of Bonn",
    "ents": [{"start": 18, "end": 22, "label": "GPE"}],
    "tokens": [{"id": 0, "start": 0, "end": 3}],
    "spans": {
        "sc": [
            {"start": 4, "end": 22, "label": "ORG", "kb_id": ""},
            {"start": 18, "end": 22, "label": "GPE"},
        ],
        "other": [{"start": 0, "end": 3, "label": "X"}],
    },
}


def test_a_group_of_spacys_json() -> None:
    record = read_doc(DOC, "f:1", "sc")
    assert spans(record) == [(4, 22, "ORG"), (18, 22, "GPE")]
    assert isinstance(record, Record) and record.ignored == ("spans['other']",)


@pytest.mark.parametrize(
    "item", [DOC, {name: value for name, value in DOC.items() if name != "spans"}]
)
def test_ents_where_spacys_json_has_no_such_group(item: Any) -> None:
    assert spans(read_doc(item, "f:1", "gold")) == [(18, 22, "GPE")]


def test_a_document_of_spacy_without_annotation_is_left_out() -> None:
    assert read_doc({"text": "a", "tokens": []}, "f:1", "sc") == LeftOut(
        "f:1", "neither spans['sc'] nor ents"
    )
    assert spans(read_doc({"text": "a", "tokens": [], "ents": []}, "f:1", "sc")) == []


def test_what_spacy_writes_is_read() -> None:
    doc = spacy.blank("xx")("The University of 😀 Bonn")
    assert isinstance(read_doc(doc.to_json(), "f:1", "sc"), LeftOut)
    doc.spans["sc"] = [Span(doc, 1, 5, "ORG"), Span(doc, 4, 5, "GPE")]
    assert spans(read_doc(doc.to_json(), "f:1", "sc")) == [(4, 24, "ORG"), (20, 24, "GPE")]
    doc.ents = [Span(doc, 4, 5, "GPE")]
    assert spans(read_doc(doc.to_json(), "f:1", "other")) == [(20, 24, "GPE")]


@pytest.mark.parametrize("spans", [True, None, {"sc": 3}, {"sc": [3]}, {"sc": {"start": 1}}])
def test_bad_groups_are_named(spans: Any) -> None:
    with pytest.raises(ValueError, match="f:1"):
        read_doc({"text": "a", "ents": [], "spans": spans}, "f:1", "sc")
