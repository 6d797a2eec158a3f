import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_genner.evaluation.spans import characters, layer, read_own_spans, read_spans
from spacy_genner.types import Entity


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture
def doc(nlp: Language) -> Doc:
    """Spans in doc.spans["sc"] out of order and one of them twice; another in doc.ents."""
    doc = nlp("The University of Edinburgh")
    doc.spans["sc"] = [
        Span(doc, *span) for span in ((3, 4, "GPE"), (0, 4, "ORG"), (0, 1, "X"), (3, 4, "GPE"))
    ]
    doc.ents = [Span(doc, 1, 2, "FAC")]
    return doc


def shown(found: list[tuple[Span, float | None]]) -> list[tuple[str, str, float | None]]:
    return [(span.text, span.label_, score) for span, score in found]


def test_spans_come_in_text_order_outer_ones_first_each_once(doc: Doc) -> None:
    texts = [
        ("The University of Edinburgh", "ORG", None),
        ("The", "X", None),
        ("Edinburgh", "GPE", None),
    ]
    assert shown(read_spans(doc, "spans", "sc")) == texts


def test_scores_stay_with_their_spans(doc: Doc) -> None:
    doc.spans["sc"].attrs["scores"] = np.array([0.25, 0.5, 0.75, 0.25], dtype="f")
    assert [(label, score) for _, label, score in shown(read_spans(doc, "spans", "sc"))] == [
        ("ORG", 0.5),
        ("X", 0.75),
        ("GPE", 0.25),
    ]


def test_scores_that_do_not_fit_are_left_out_with_a_warning(doc: Doc) -> None:
    doc.spans["sc"].attrs["scores"] = np.array([0.5])
    with pytest.warns(UserWarning, match="4 spans but 1 scores"):
        assert {score for *_, score in shown(read_spans(doc, "spans", "sc"))} == {None}


def test_ents_have_no_scores(doc: Doc) -> None:
    assert shown(read_spans(doc, "ents", "sc")) == [("University", "FAC", None)]


def test_a_document_without_the_group_has_no_spans(doc: Doc) -> None:
    assert read_spans(doc, "spans", "other") == []


def test_own_spans_are_the_group_if_there_is_one_even_if_empty(doc: Doc) -> None:
    assert len(read_own_spans(doc, "sc")) == 3
    assert shown(read_own_spans(doc, "other")) == [("University", "FAC", None)]
    doc.spans["other"] = []
    assert read_own_spans(doc, "other") == []


def test_one_document_with_the_group_decides_the_layer(nlp: Language, doc: Doc) -> None:
    assert layer([nlp("a"), doc], "sc") == "spans"
    assert layer([nlp("a"), doc], "other") == "ents"


def test_characters_do_not_depend_on_tokens(doc: Doc) -> None:
    assert characters(read_spans(doc, "ents", "sc")) == {Entity(4, 14, "FAC")}
