import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_genner.evaluation.annotations import span_records, tree
from spacy_genner.evaluation.spans import read_spans


def drawn(*spans: tuple[int, int, str]) -> list[str]:
    doc = spacy.blank("xx")("a b c d\ne f")
    doc.spans["sc"] = [Span(doc, *span) for span in spans]
    return tree(doc, read_spans(doc, "spans", "sc")).splitlines()[1:]


def test_an_entity_is_indented_below_the_one_it_lies_in() -> None:
    spans = [(0, 4, "A"), (0, 2, "B"), (1, 2, "C"), (2, 3, "D"), (6, 7, "E")]
    assert drawn(*spans) == ["  A  a b c d", "    B  a b", "      C  b", "    D  c", "  E  f"]


def test_two_labels_on_one_span_stand_side_by_side() -> None:
    assert drawn((0, 2, "B"), (0, 2, "A"), (0, 1, "C")) == ["  A  a b", "  B  a b", "    C  a"]


def test_crossing_spans_stand_side_by_side() -> None:
    assert drawn((0, 2, "A"), (1, 3, "B")) == ["  A  a b", "  B  b c"]


def test_an_entity_over_two_lines_is_printed_on_one() -> None:
    assert drawn((3, 6, "A")) == ["  A  d e"]
    assert drawn() == ["  no entities"]


def test_texts_and_labels_cannot_do_anything_to_the_terminal() -> None:
    doc = Doc(
        spacy.blank("xx").vocab,
        words=["a\x1b]0;x\x07", "\u202eb", "c\r", "👩\u200d👧", "می\u200cخواهم"],
    )
    doc.spans["sc"] = [Span(doc, 0, 2, "L\x9b2J\n"), Span(doc, 3, 5, "\u2066M")]
    assert tree(doc, read_spans(doc, "spans", "sc")).splitlines() == [
        "a\\x1b]0;x\\x07 \\u202eb c 👩\u200d👧 می\u200cخواهم",
        r"  L\x9b2J\n  a\x1b]0;x\x07 \u202eb",
        "  \\u2066M  👩\u200d👧 می\u200cخواهم",
    ]


@pytest.fixture
def docs() -> list[Doc]:
    """One document with scored spans, and one without any."""
    nlp = spacy.blank("xx")
    scored, empty = nlp("The University of Edinburgh"), nlp("اسم [a] </s> 🎉")
    scored.spans["sc"] = [Span(scored, 1, 4, "ORG"), Span(scored, 3, 4, "GPE")]
    scored.spans["sc"].attrs["scores"] = np.array([0.5, 0.25])
    empty.spans["sc"] = []
    return [scored, empty]


def test_records_have_character_offsets_and_rounded_scores(docs: list[Doc]) -> None:
    scored, empty = docs
    scored.spans["sc"].attrs["scores"] = np.array([0.123456, 0.25])
    university, edinburgh = span_records(read_spans(scored, "spans", "sc"))
    assert university["text"] == scored.text[university["start"] : university["end"]]
    assert university["score"] == 0.1235
    assert edinburgh == {"start": 18, "end": 27, "label": "GPE", "text": "Edinburgh", "score": 0.25}
    assert span_records(read_spans(empty, "spans", "sc")) == []


def test_spans_without_scores_have_none(docs: list[Doc]) -> None:
    del docs[0].spans["sc"].attrs["scores"]
    records = span_records(read_spans(docs[0], "spans", "sc"))
    assert [sorted(record) for record in records] == [["end", "label", "start", "text"]] * 2
