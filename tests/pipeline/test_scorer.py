from itertools import product
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_genner.evaluation.metrics import Document, Scores
from spacy_genner.evaluation.metrics import score_documents as evaluate
from spacy_genner.pipeline.scorer import make_scorer, score
from spacy_genner.types import Entity
from tests.pipeline.scripted import add_scripted

NLP = spacy.blank("xx")
Layer = list[tuple[int, int, str]]


def doc_of(spans: Layer | None, ents: Layer | None = None, words: str = "a b c d e f") -> Doc:
    doc = Doc(NLP.vocab, words=words.split())
    if spans is not None:
        doc.spans["sc"] = [Span(doc, *span) for span in spans]
    if ents is not None:
        doc.set_ents([Span(doc, *ent) for ent in ents])
    return doc


def rates(scores: dict[str, Any], group: str) -> tuple[float | None, ...]:
    return tuple(
        None if scores[f"{group}_{x}"] is None else round(scores[f"{group}_{x}"], 6) for x in "prf"
    )


GOLD = [(0, 4, "ORG"), (1, 2, "GPE"), (4, 6, "PER")]
PREDICTED = [(0, 4, "ORG"), (1, 2, "PER"), (1, 3, "GPE"), (4, 6, "PER"), (4, 5, "GPE")]


def test_counts_by_hand() -> None:
    scores = score([Example(doc_of(PREDICTED), doc_of(GOLD))], spans_key="sc")
    # Right: 0-4 ORG and 4-6 PER, of five predictions and three gold spans.
    assert rates(scores, "spans_sc") == (0.4, 0.666667, 0.5)
    # Nested are 1-2 PER, 1-3 GPE and 4-5 GPE, none of them gold, and the gold 1-2 GPE, which nobody
    # predicted.
    assert rates(scores, "spans_sc_nested") == (0.0, 0.0, 0.0)
    assert rates(scores, "spans_sc_flat") == (1.0, 1.0, 1.0)
    assert scores["spans_sc_per_type"] == {
        "GPE": {"p": 0.0, "r": 0.0, "f": 0.0},
        "ORG": {"p": 1.0, "r": 1.0, "f": 1.0},
        "PER": {"p": 0.5, "r": 1.0, "f": pytest.approx(2 / 3)},
    }
    assert sorted(scores["spans_sc_nested_per_type"]) == ["GPE", "PER"]
    assert sorted(scores["spans_sc_flat_per_type"]) == ["ORG", "PER"]


def test_a_nested_prediction_is_right_where_the_gold_span_is_flat() -> None:
    scores = score(
        [Example(doc_of([(0, 3, "X"), (0, 1, "Y")]), doc_of([(0, 1, "Y")]))], spans_key="sc"
    )
    assert rates(scores, "spans_sc_nested") == (1.0, 0.0, 0.0)
    assert rates(scores, "spans_sc_flat") == (0.0, 1.0, 0.0)


def test_documents_are_counted_together() -> None:
    pairs = [
        ([(0, 1, "X")], [(0, 1, "X")]),
        ([(0, 1, "X"), (1, 2, "X")], []),
        ([], [(0, 1, "X"), (2, 3, "X")]),
    ]
    scores = score((Example(doc_of(p), doc_of(g)) for p, g in pairs), spans_key="sc")
    assert rates(scores, "spans_sc") == (round(1 / 3, 6),) * 3


def test_nothing_to_score_is_none_and_not_zero() -> None:
    scores = score([Example(doc_of([], []), doc_of([], []))], spans_key="sc")
    for group, rate in product(
        ["spans_sc", "spans_sc_flat", "spans_sc_nested", "ents"], ["p", "r", "f", "per_type"]
    ):
        assert scores[f"{group}_{rate}"] is None


def test_a_document_without_annotation_is_left_out() -> None:
    scores = score([Example(doc_of(PREDICTED), doc_of(None))], spans_key="sc")
    assert rates(scores, "spans_sc") == (None, None, None)


def test_gold_without_a_group_is_read_from_its_entities() -> None:
    gold = doc_of(None, ents=[(0, 1, "X"), (2, 3, "X")])
    scores = score([Example(doc_of([(0, 1, "X")], ents=[]), gold)], spans_key="sc")
    assert rates(scores, "spans_sc") == (1.0, 0.5, round(2 / 3, 6))


def test_entities_are_scored_as_spacy_does() -> None:
    examples = [Example(doc_of([], [(0, 1, "X")]), doc_of([], [(0, 1, "X"), (2, 3, "Y")]))]
    scores = score(examples, spans_key="sc")
    theirs = Scorer.score_spans(examples, "ents")
    assert {key: scores[key] for key in theirs} == theirs


def test_a_prediction_on_other_tokens_is_right_if_its_characters_are() -> None:
    gold = Doc(NLP.vocab, words=["Middle-earth"])
    gold.spans["sc"] = [Span(gold, 0, 1, "LOC")]
    parts = Doc(NLP.vocab, words=["Middle", "-earth"], spaces=[False, False])
    parts.spans["sc"] = [Span(parts, 0, 1, "LOC"), Span(parts, 0, 2, "LOC")]
    assert rates(score([Example(parts, gold)], spans_key="sc"), "spans_sc") == (
        0.5,
        1.0,
        round(2 / 3, 6),
    )


labels = st.sampled_from(["X", "Y"])
spans = st.tuples(st.integers(0, 5), st.integers(1, 6), labels).filter(lambda s: s[0] < s[1])
layers = st.lists(spans, max_size=6, unique=True)


def document(predicted: Doc, gold: Doc) -> Document:
    sides = (
        {Entity(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]}
        for doc in (gold, predicted)
    )
    return Document(gold.text, *sides)


def values(found: Any) -> tuple[Any, ...]:
    return tuple(
        rate if rate is None else pytest.approx(rate) for rate in (found.p, found.r, found.f)
    )


@given(st.lists(st.tuples(layers, layers), min_size=1, max_size=4))
def test_the_evaluation_room_counts_the_same(drawn: list[tuple[Layer, Layer]]) -> None:
    pairs = [(doc_of(predicted), doc_of(gold)) for predicted, gold in drawn]
    ours = score([Example(*pair) for pair in pairs], spans_key="sc")
    theirs: Scores = evaluate([document(*pair) for pair in pairs], resamples=1)
    groups = {"spans_sc": theirs.total} | {
        f"spans_sc_{name}": theirs.nesting[name] for name in ("flat", "nested")
    }
    for group, found in groups.items():
        assert tuple(ours[f"{group}_{rate}"] for rate in "prf") == values(found)
    per_type = ours["spans_sc_per_type"] or {}
    assert {label: tuple(found.values()) for label, found in per_type.items()} == {
        label: values(found) for label, found in theirs.types.items()
    }


@given(layers, layers)
def test_spacy_counts_all_spans_the_same(predicted: Layer, gold: Layer) -> None:
    examples = [Example(doc_of(predicted), doc_of(gold))]
    theirs = Scorer.score_spans(
        examples,
        "spans_sc",
        getter=lambda doc, _: doc.spans["sc"],
        has_annotation=lambda doc: True,
        allow_overlap=True,
    )
    ours = score(examples, spans_key="sc")
    per_type = theirs.pop("spans_sc_per_type") or {}
    assert {key: ours[key] for key in theirs} == pytest.approx(theirs)
    assert (ours["spans_sc_per_type"] or {}) == {
        label: pytest.approx(found) for label, found in per_type.items()
    }


def test_a_pipeline_reports_the_scores_of_each_component_under_its_own_key() -> None:
    nlp = spacy.blank("xx")
    add_scripted(nlp, "one", [["a b", "ORG", 1.0], ["b", "GPE", 1.0]])
    add_scripted(nlp, "two", [["c", "ORG", 1.0]], spans_key="other")
    reference = doc_of([(0, 2, "ORG"), (1, 2, "GPE")], words="a b c")
    reference.spans["other"] = [Span(reference, 1, 3, "ORG")]
    scores = nlp.evaluate([Example(nlp.make_doc("a b c"), reference)])
    assert rates(scores, "spans_sc") == rates(scores, "spans_sc_nested") == (1.0, 1.0, 1.0)
    assert rates(scores, "spans_other") == (0.0, 0.0, 0.0)
    assert scores["spans_other_nested_f"] is None


def test_the_scorer_can_be_left_out() -> None:
    nlp = spacy.blank("xx")
    add_scripted(nlp, scorer=None)
    assert "spans_sc_f" not in nlp.evaluate([Example(nlp.make_doc("a"), doc_of([], words="a"))])


def test_the_registry_knows_the_scorer() -> None:
    assert spacy.registry.scorers.get("spacy_genner.generative_ner_scorer.v1") is make_scorer
    assert make_scorer() is score
