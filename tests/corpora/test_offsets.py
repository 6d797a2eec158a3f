from __future__ import annotations

import pytest
import spacy
from spacy.tokens import Doc

from spacy_genner.corpora.json_lines import Record
from spacy_genner.corpora.offsets import Alignment, record_doc
from spacy_genner.corpora.report import Report

NLP = spacy.blank("en")
TEXT = "The New-Yorkers met  Ünal.\n"


def align(span: tuple[int, int], alignment: Alignment = Alignment.expand) -> tuple[list[str], Report]:
    report = Report()
    doc, entities = record_doc(Record("f:1", TEXT, [], [(*span, "A")]), NLP, alignment, report)
    assert report.read == 1 == len(entities) + sum(report.lost.values())
    return [doc[entity.start : entity.end].text for entity in entities], report


def test_spans_on_tokens_stay_as_they_are() -> None:
    found, report = align((4, 15), Alignment.strict)
    assert found == ["New-Yorkers"] and not report.changed and not report.lost


@pytest.mark.parametrize(
    ("alignment", "found", "changed", "lost"),
    [
        (Alignment.expand, ["met  Ünal"], 1, 0),
        (Alignment.contract, ["met"], 1, 0),
        (Alignment.strict, [], 0, 1),
    ],
)
def test_a_span_that_ends_inside_a_token(alignment: Alignment, found: list[str], changed: int, lost: int) -> None:
    spans, report = align((16, 23), alignment)
    assert spans == found
    assert report.changed[f"misaligned: {alignment.value}"] == changed and report.lost["misaligned"] == lost
    assert report.places.popitem()[1] == ["f:1 [16, 23, A] 'met  Ün'"]


def test_a_span_inside_a_token_cannot_contract() -> None:
    found, report = align((22, 24), Alignment.contract)
    assert found == [] and report.lost == {"misaligned": 1}


@pytest.mark.parametrize("span", [(3, 16), (4, 16), (3, 15)])
@pytest.mark.parametrize("alignment", Alignment)
def test_white_space_at_the_edges_is_trimmed(span: tuple[int, int], alignment: Alignment) -> None:
    found, report = align(span, alignment)
    assert found == ["New-Yorkers"] and report.changed == {"white space trimmed": 1}


@pytest.mark.parametrize("span", [(3, 4), (19, 21), (26, 27), (5, 5)])
def test_a_span_of_nothing_is_lost(span: tuple[int, int]) -> None:
    found, report = align(span)
    assert found == [] and report.lost == {"empty": 1}


@pytest.mark.parametrize("span", [(-1, 3), (0, 28), (40, 50), (6, 4)])
def test_offsets_out_of_range_are_lost(span: tuple[int, int]) -> None:
    found, report = align(span)
    assert found == [] and report.lost == {"offsets out of range": 1}
    assert report.places["offsets out of range"] == [f"f:1 [{span[0]}, {span[1]}, A] of 27"]


def test_offsets_count_characters_not_bytes() -> None:
    record = Record("", "🇩🇪 Müller 東京", [], [(3, 9, "PER"), (10, 12, "LOC")])
    doc, entities = record_doc(record, NLP, Alignment.strict, Report())
    assert [doc[entity.start : entity.end].text for entity in entities] == ["Müller", "東京"]


def test_tokens_stay_as_they_are() -> None:
    report = Report()
    spans = [(0, 1, "A"), (1, 3, "B"), (1, 2, "C"), (0, 4, "D"), (-1, 2, "E")]
    doc, entities = record_doc(Record("f:1", None, ["don't", "", "go"], spans), NLP, Alignment.strict, report)
    assert [token.text for token in doc] == ["don't", "go"]
    assert [(entity.start, entity.end) for entity in entities] == [(0, 1), (1, 2), (1, 1)]
    assert report.read == 5 and report.lost == {"offsets out of range": 2}


@pytest.mark.parametrize("text", ["", " \n "])
def test_texts_without_words(text: str) -> None:
    doc, entities = record_doc(Record("", text, [], []), NLP, Alignment.expand, Report())
    assert isinstance(doc, Doc) and doc.text == text and entities == []
