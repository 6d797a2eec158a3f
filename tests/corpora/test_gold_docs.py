from __future__ import annotations

import spacy
from spacy.tokens import Doc, DocBin

from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.gold_docs import annotate
from spacy_genner.types import Entity


def annotated(*entities: Entity, max_depth: int | None = None) -> tuple[Doc, Report]:
    report = Report(read=len(entities))
    doc = Doc(spacy.blank("xx").vocab, words=["University", "of", "New", "York", "in", "Albany"])
    annotate(doc, entities, report, "f:1", "gold", max_depth)
    return doc, report


ORG, LOC, IN, CITY = (
    Entity(0, 4, "ORG"),
    Entity(2, 4, "LOC"),
    Entity(3, 6, "X"),
    Entity(5, 6, "LOC"),
)


def test_all_spans_go_into_the_group_and_outermost_ones_into_ents() -> None:
    doc, report = annotated(CITY, LOC, ORG)
    spans = [(span.text, span.label_) for span in doc.spans["gold"]]
    assert spans == [("University of New York", "ORG"), ("New York", "LOC"), ("Albany", "LOC")]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [spans[0], spans[2]]
    assert report.spans == {"LOC": 2, "ORG": 1} and report.nested == 1 and not report.lost
    assert (report.documents, report.tokens, report.written) == (1, 6, 3)


def test_tokens_outside_are_marked_so() -> None:
    doc, _ = annotated()
    assert [token.ent_iob_ for token in doc] == ["O"] * 6 and "gold" in doc.spans


def test_what_cannot_be_nested_is_reported() -> None:
    doc, report = annotated(IN, ORG, ORG, Entity(2, 2, "Y"))
    assert [span.text for span in doc.spans["gold"]] == ["University of New York"]
    assert report.lost == {"crossing": 1, "duplicate": 1, "empty": 1}
    assert report.places["crossing"] == ["f:1 [18, 32, X] 'York in Albany'"]
    assert report.read == report.written + sum(report.lost.values())


def test_the_depth_is_limited() -> None:
    doc, report = annotated(ORG, LOC, CITY, max_depth=1)
    assert [span.label_ for span in doc.spans["gold"]] == ["ORG", "LOC"] and report.lost == {
        "too deep": 1
    }


def test_two_labels_on_one_extent_are_not_nested_and_survive_a_file() -> None:
    doc, report = annotated(CITY, Entity(5, 6, "GPE"))
    assert report.nested == 0
    (again,) = DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(doc.vocab)
    assert [(span.start, span.label_) for span in again.spans["gold"]] == [(5, "LOC"), (5, "GPE")]
    assert [ent.label_ for ent in again.ents] == ["LOC"]
