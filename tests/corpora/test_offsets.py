from __future__ import annotations

import pytest
import spacy
from spacy.tokens import Doc

from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.offsets import Alignment, record_doc
from spacy_genner.corpora.record import RawSpan, Record

NLP = spacy.blank("xx")
TEXT = "The New-Yorkers met  Ünal.\n"


def raw(start: int, end: int, label: str, *texts: str) -> RawSpan:
    return RawSpan("f:1", label, ((start, end),), texts)


def align(
    span: tuple[int, int], alignment: Alignment = Alignment.expand
) -> tuple[list[str], Report]:
    report = Report()
    doc, entities = record_doc(Record("f:1", TEXT, [], [raw(*span, "A")]), NLP, alignment, report)
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
def test_a_span_that_ends_inside_a_token(
    alignment: Alignment, found: list[str], changed: int, lost: int
) -> None:
    spans, report = align((16, 23), alignment)
    assert spans == found
    assert (
        report.changed[f"misaligned: {alignment.value}"] == changed
        and report.lost["misaligned"] == lost
    )
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
    assert report.places["offsets out of range"] == [f"f:1 [{span[0]}, {span[1]}, A], of 27"]


def test_offsets_count_characters_not_bytes() -> None:
    record = Record("", "🇩🇪 Müller 東京", [], [raw(3, 9, "PER"), raw(10, 12, "LOC")])
    doc, entities = record_doc(record, NLP, Alignment.strict, Report())
    assert [doc[entity.start : entity.end].text for entity in entities] == ["Müller", "東京"]


def test_tokens_stay_as_they_are() -> None:
    report = Report()
    spans = [raw(0, 1, "A"), raw(1, 3, "B"), raw(1, 2, "C"), raw(0, 4, "D"), raw(-1, 2, "E")]
    doc, entities = record_doc(
        Record("f:1", None, ["don't", "", "go"], spans), NLP, Alignment.strict, report
    )
    assert [token.text for token in doc] == ["don't", "go"]
    assert [(entity.start, entity.end) for entity in entities] == [(0, 1), (1, 2), (1, 1)]
    assert report.read == 5 and report.lost == {"offsets out of range": 2}


@pytest.mark.parametrize("text", ["", " \n "])
def test_texts_without_words(text: str) -> None:
    doc, entities = record_doc(Record("", text, [], []), NLP, Alignment.expand, Report())
    assert isinstance(doc, Doc) and doc.text == text and entities == []


def converted(record: Record) -> tuple[list[str], Report]:
    """The texts of the spans that become gold."""
    report = Report()
    doc, entities = record_doc(record, NLP, Alignment.strict, report)
    assert report.read == len(record.spans) == len(entities) + report.lost.total()
    return [doc[entity.start : entity.end].text for entity in entities], report


def test_offsets_count_utf_16_units_where_the_texts_of_the_spans_say_so() -> None:
    text = "😀😀😀😀 Oak and Elm own Acme."
    found, report = converted(
        Record("f:1", text, [], [raw(9, 12, "ORG", "Oak"), raw(17, 20, "ORG", "Elm")])
    )
    assert (
        found == ["Oak", "Elm"]
        and report.changed == {"offsets count UTF-16 units": 1}
        and not report.lost
    )
    assert report.places == {"offsets count UTF-16 units": ["f:1"]}
    found, report = converted(
        Record("f:1", text, [], [raw(5, 8, "ORG", "Oak"), raw(13, 16, "ORG", "Elm")])
    )
    assert found == ["Oak", "Elm"] and not report.changed and not report.lost


def test_a_tool_may_be_known_to_count_utf_16_units() -> None:
    record = Record("f:1", "😀 Bonn.", [], [raw(3, 7, "LOC")], utf16=True)
    found, report = converted(record)
    assert found == ["Bonn"] and report.changed == {"offsets count UTF-16 units": 1}
    found, report = converted(Record("f:1", "Bonn.", [], [raw(0, 4, "LOC")], utf16=True))
    assert found == ["Bonn"] and not report.changed


def test_line_ends_count_one_where_the_texts_of_the_spans_say_so() -> None:
    found, report = converted(
        Record(
            "f:1", "In\r\nBonn\r\nand Ulm.", [], [raw(3, 7, "A", "Bonn"), raw(12, 15, "A", "Ulm")]
        )
    )
    assert found == ["Bonn", "Ulm"] and report.changed == {"CRLF read as one character": 1}


def test_a_span_with_another_text_is_lost() -> None:
    found, report = converted(
        Record("f:1", "In Bonn.", [], [raw(3, 7, "LOC", "Ulm"), raw(3, 7, "X", "Bo nn")])
    )
    assert found == ["Bonn"], "white space makes no other text"
    assert report.lost == {"text differs": 1}
    assert report.places == {"text differs": ["f:1 [3, 7, LOC] 'Ulm', in the text 'Bonn'"]}


def test_all_that_the_file_says_has_to_agree() -> None:
    found, report = converted(Record("f:1", "In Bonn.", [], [raw(3, 7, "LOC", "Bonn", "In")]))
    assert found == [] and report.lost == {"text differs": 1}


def test_a_span_of_tokens_with_another_text_is_lost() -> None:
    spans = [raw(0, 2, "LOC", "New York"), raw(1, 2, "LOC", "New"), raw(0, 2, "LOC")]
    report = Report()
    _, entities = record_doc(
        Record("f:1", None, ["New", "York"], spans), NLP, Alignment.strict, report
    )
    assert [(entity.start, entity.end) for entity in entities] == [(0, 2), (0, 2)]
    assert report.places == {"text differs": ["f:1 [1, 2, LOC] 'New', in the text ['York']"]}


def test_annotations_that_are_no_spans_are_counted() -> None:
    _, report = converted(Record("f:1", "a", [], [], ignored=("relations", "relations")))
    assert report.ignored == {"relations": 2}


def test_a_tokenizer_that_changes_the_text_is_named() -> None:
    nlp = spacy.blank("xx")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=text.split())
    with pytest.raises(ValueError, match="f:1: the tokenizer of this --lang changes the text"):
        record_doc(Record("f:1", "a  b", [], []), nlp, Alignment.strict, Report())


def test_a_long_text_is_no_error() -> None:
    text = "Bonn " * 200_001
    nlp = spacy.blank("xx")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=[text[:4], text[5:]], spaces=[True, False])
    doc, entities = record_doc(
        Record("f:1", text, [], [raw(0, 4, "LOC")]), nlp, Alignment.strict, Report()
    )
    assert len(doc.text) > nlp.max_length and len(entities) == 1


def test_a_contradiction_in_the_file_is_reported() -> None:
    found, report = converted(
        Record("f:1", "Bonn", [], [raw(0, 4, "LOC")._replace(contradiction="tokens differ")])
    )
    assert found == [] and report.places == {
        "tokens differ": ["f:1 [0, 4, LOC], in the text 'Bonn'"]
    }
