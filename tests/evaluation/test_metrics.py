from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.scorer import PRFScore

from spacy_genner.evaluation.metrics import (
    SAME_TYPE,
    Document,
    Score,
    names,
    score_cells,
    score_documents,
)
from spacy_genner.types import Entity
from tests.evaluation.span_sets import sets

TEXT = "Alpha beta Alpha beta gamma"
tokens = st.sampled_from([(0, 6, 11, 17, 22), ()])
documents = st.lists(st.builds(Document, st.just(TEXT), sets, sets, tokens), min_size=1, max_size=6)


def entity(text: str, label: str, among: str) -> Entity:
    start = among.index(text)
    return Entity(start, start + len(text), label)


def document(text: str, gold: list[tuple[str, str]], predicted: list[tuple[str, str]]) -> Document:
    sides = (
        frozenset(entity(words, label, text) for words, label in side) for side in (gold, predicted)
    )
    return Document(text, *sides)


NESTED = document(
    "The University of Edinburgh bought it .",
    gold=[("The University of Edinburgh", "ORG"), ("Edinburgh", "GPE")],
    predicted=[("The University of Edinburgh", "ORG"), ("University", "ORG"), ("bought", "GPE")],
)


def counts(of: Score) -> tuple[int, int, int, int]:
    return of.predicted, of.correct, of.gold, of.found


def test_total_and_types_count_boundaries_and_labels() -> None:
    scores = score_documents([NESTED])
    assert counts(scores.total) == (3, 1, 2, 1)
    assert (scores.total.p, scores.total.r) == pytest.approx((1 / 3, 1 / 2))
    assert scores.total.f == pytest.approx(2 / 5)
    assert {label: counts(of) for label, of in scores.types.items()} == {
        "GPE": (1, 0, 1, 0),
        "ORG": (2, 1, 1, 1),
    }


def test_precision_groups_predictions_and_recall_groups_gold() -> None:
    scores = score_documents([NESTED])
    assert counts(scores.nesting["nested"]) == (1, 0, 1, 0)
    assert counts(scores.nesting["flat"]) == (2, 1, 1, 1)


def test_an_inner_span_predicted_alone_is_found_as_nested_and_correct_as_flat() -> None:
    both, inner = frozenset({Entity(0, 9, "A"), Entity(2, 4, "B")}), frozenset({Entity(2, 4, "B")})
    nesting = score_documents([Document(TEXT, both, inner)]).nesting
    assert counts(nesting["nested"]) == (0, 0, 1, 1)
    assert counts(nesting["flat"]) == (1, 1, 1, 0)


def test_spans_inside_one_of_their_own_type_are_a_group_of_the_nested_ones() -> None:
    gold = frozenset({Entity(0, 9, "A"), Entity(0, 4, "A"), Entity(2, 4, "B"), Entity(5, 9, "B")})
    predicted = frozenset({Entity(0, 4, "A"), Entity(5, 9, "B"), Entity(5, 8, "B")})
    nesting = score_documents([Document(TEXT, gold, predicted)]).nesting
    assert counts(nesting["nested"]) == (1, 0, 3, 2)
    assert counts(nesting[SAME_TYPE]) == (1, 0, 1, 1)


def test_depths_and_lengths_are_groups_in_their_order() -> None:
    gold = frozenset(
        {Entity(0, 27, "A"), Entity(0, 16, "A"), Entity(0, 5, "B"), Entity(6, 10, "A")}
    )
    predicted = frozenset({Entity(0, 16, "A"), Entity(0, 5, "B"), Entity(17, 18, "A")})
    scores = score_documents([Document(TEXT, gold, predicted, tokens=[0, 6, 11, 17, 22])])
    assert {depth: counts(of) for depth, of in scores.depths.items()} == {
        "depth 1": (2, 1, 1, 0),
        "depth 2": (1, 1, 1, 1),
        "depth 3 or more": (0, 0, 2, 1),
    }
    assert {length: counts(of) for length, of in scores.lengths.items()} == {
        "1 token": (2, 1, 2, 1),
        "3 tokens": (1, 1, 1, 1),
        "4 to 5 tokens": (0, 0, 1, 0),
    }
    assert list(scores.sections)[3:] == ["By depth of nesting", "By length"]


def test_depths_are_not_shown_if_no_span_is_nested() -> None:
    scores = score_documents([document("in Bonn", [("Bonn", "GPE")], [])])
    assert list(scores.depths) == ["depth 1"]
    assert list(scores.sections) == ["All", "Per type", "Flat and nested"]


def test_nesting_does_not_reach_over_documents() -> None:
    outer, inner = frozenset({Entity(0, 9, "A")}), frozenset({Entity(2, 4, "B")})
    assert (
        score_documents([Document(TEXT, outer, outer), Document(TEXT, inner, inner)])
        .nesting["nested"]
        .gold
        == 0
    )


def test_the_same_span_with_another_label_is_wrong() -> None:
    assert score_documents([document("in Bonn", [("Bonn", "GPE")], [("Bonn", "ORG")])]).total.f == 0


def test_seen_names_go_by_text_and_label_on_each_side() -> None:
    text = "PARIS met\n Bonn and Rome"
    one = document(
        text,
        [("PARIS", "GPE"), ("Bonn", "GPE")],
        [("PARIS", "GPE"), ("Rome", "GPE"), ("Bonn", "ORG")],
    )
    scores = score_documents([one], seen={("paris", "GPE"), ("rome", "GPE"), ("bonn", "PERSON")})
    assert counts(scores.names["seen"]) == (2, 1, 1, 1)
    assert counts(scores.names["unseen"]) == (1, 0, 1, 0)


def test_without_a_training_part_there_are_no_names() -> None:
    assert score_documents([NESTED]).names == {}
    assert set(score_documents([NESTED], seen=set()).names) == {"seen", "unseen"}


def test_a_name_has_no_case_and_single_spaces() -> None:
    text = "the NEW \n York Times"
    span = entity("NEW \n York", "GPE", text)
    assert names(text, {span}) == {span: ("new york", "GPE")}


def test_nothing_to_find_and_nothing_found_has_no_score() -> None:
    total = score_documents([Document(TEXT, frozenset(), frozenset())]).total
    assert (total.p, total.r, total.f, total.f_ci) == (None, None, None, None)


def test_a_pipeline_that_predicts_nothing_scores_0() -> None:
    total = score_documents([Document(TEXT, frozenset({Entity(0, 5, "A")}), frozenset())]).total
    assert (total.p, total.r, total.f, total.p_ci, total.r_ci) == (0, 0, 0, None, (0, 0))


def test_no_documents_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        score_documents([])


@given(sets)
def test_nested_means_strictly_inside_another(spans: frozenset[Entity]) -> None:
    pairs = [
        (a, b)
        for a in spans
        for b in spans
        if b.start <= a.start and a.end <= b.end and (a.start, a.end) != (b.start, b.end)
    ]
    inside = {a for a, _ in pairs}
    nesting = score_documents([Document(TEXT, spans, frozenset())], resamples=1).nesting
    assert (nesting["nested"].gold, nesting["flat"].gold) == (len(inside), len(spans - inside))
    assert nesting[SAME_TYPE].gold == len({a for a, b in pairs if a.label == b.label})


@given(documents)
def test_the_total_is_that_of_spacy(docs: list[Document]) -> None:
    oracle = PRFScore()
    for doc in docs:
        oracle.score_set(set(doc.predicted), set(doc.gold))
    total = score_documents(docs, resamples=2).total
    assert counts(total) == (oracle.tp + oracle.fp, oracle.tp, oracle.tp + oracle.fn, oracle.tp)
    if len(oracle):
        assert (total.p, total.r, total.f) == pytest.approx(
            (oracle.precision, oracle.recall, oracle.fscore)
        )


@given(
    documents,
    st.frozensets(
        st.tuples(st.sampled_from(["alpha", "beta", "alpha beta"]), st.sampled_from("ABC"))
    ),
)
def test_every_section_adds_up_to_the_total(
    docs: list[Document], seen: frozenset[tuple[str, str]]
) -> None:
    docs = [replace(doc, tokens=docs[0].tokens) for doc in docs]
    sections = score_documents(docs, seen, resamples=2).sections
    total = counts(sections.pop("All")["total"])
    for section in sections.values():
        parts = [counts(of) for name, of in section.items() if name != SAME_TYPE]
        assert tuple(map(sum, zip(*parts, strict=True))) == total


@given(documents)
def test_a_perfect_prediction_scores_1(docs: list[Document]) -> None:
    perfect = [Document(doc.text, doc.gold, doc.gold) for doc in docs]
    for section in score_documents(perfect, seen=set(), resamples=20).sections.values():
        for of in section.values():
            rates = {(of.p, of.r, of.f, of.p_ci, of.r_ci, of.f_ci)}
            assert rates <= {(1, 1, 1, (1, 1), (1, 1), (1, 1)), (None,) * 6}


def test_the_interval_is_that_of_a_proportion() -> None:
    """Of 400 spans in as many documents half are found: 1.96 standard errors are 0.049."""
    hit, miss = (
        Document(TEXT, frozenset({Entity(0, 5, "A")}), frozenset({Entity(0, end, "A")}))
        for end in (5, 6)
    )
    low, high = score_documents([hit, miss] * 200).total.r_ci or (0, 0)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.01)


def test_documents_are_drawn_whole() -> None:
    """Spans of a document fail together: ten in each of 40 documents are no more certain than
    one."""
    ten = frozenset(Entity(i, i + 1, "A") for i in range(10))
    one = frozenset({Entity(0, 1, "A")})
    wide, narrow = (
        score_documents(
            [Document(TEXT, gold, gold), Document(TEXT, gold, frozenset())] * 20
        ).total.r_ci
        for gold in (ten, one)
    )
    assert wide == narrow


def test_a_rare_type_is_not_0_where_it_was_not_drawn() -> None:
    rare, others = frozenset({Entity(0, 5, "RARE")}), [Document(TEXT, frozenset(), frozenset())] * 9
    assert score_documents([Document(TEXT, rare, rare), *others]).types["RARE"].f_ci == (1, 1)


def test_the_seed_decides_the_interval() -> None:
    docs = [
        NESTED,
        document("in Bonn", [("Bonn", "GPE")], [("Bonn", "GPE")]),
        document("no", [], [("no", "GPE")]),
    ] * 5
    assert asdict(score_documents(docs)) == asdict(score_documents(docs, seed=0))
    assert score_documents(docs, seed=1).total.f_ci != score_documents(docs, seed=2).total.f_ci


def test_the_cells_of_a_score_are_in_percent() -> None:
    score = Score(0.5, 1.0, 2 / 3, None, None, (0.25, 0.995), 2, 1, 1, 1)
    assert score_cells(score) == ["50.0", "100.0", "66.7", "25.0 to 99.5"]
    nothing = Score(None, None, None, None, None, None, 0, 0, 0, 0)
    assert score_cells(nothing) == ["–"] * 4
