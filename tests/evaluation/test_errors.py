import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.evaluation.errors import KINDS, errors_of, match
from spacy_genner.evaluation.metrics import Document, score_documents
from spacy_genner.types import Entity
from tests.evaluation.span_sets import sets

TEXT = "The University of Edinburgh bought it"
Spans = list[tuple[int, int, str]]
documents = st.lists(st.builds(Document, st.just(TEXT), sets, sets), max_size=4)


def document(gold: Spans, predicted: Spans) -> Document:
    return Document(
        TEXT, frozenset(Entity(*x) for x in gold), frozenset(Entity(*x) for x in predicted)
    )


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 4, "A")], [(0, 4, "A")], {"correct": 1}),
        ([(0, 4, "A")], [(0, 4, "B")], {"label": 1}),
        ([(0, 4, "A")], [(3, 9, "A")], {"boundary": 1}),
        ([(0, 4, "A")], [(3, 9, "B")], {"label and boundary": 1}),
        ([(0, 4, "A")], [], {"missed": 1}),
        ([], [(0, 4, "A")], {"spurious": 1}),
        ([(0, 4, "A")], [(4, 9, "A")], {"missed": 1, "spurious": 1}),
    ],
)
def test_each_kind(gold: Spans, predicted: Spans, kinds: dict[str, int]) -> None:
    assert errors_of([document(gold, predicted)]).total == dict.fromkeys(KINDS, 0) | kinds


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        # The inner span is right, so that the outer one is missed and not taken for a wider one.
        ([(0, 9, "A"), (2, 4, "B")], [(2, 4, "B")], {"correct": 1, "missed": 1}),
        # Two labels on the same tokens, one of which is right.
        ([(0, 9, "A"), (0, 9, "B")], [(0, 9, "B"), (0, 9, "C")], {"correct": 1, "label": 1}),
        # Of two predicted spans in one gold span, only the longer one is paired with it.
        ([(0, 9, "A")], [(0, 3, "A"), (4, 9, "B")], {"label and boundary": 1, "spurious": 1}),
        # Equal overlaps: the one with the same label counts.
        ([(0, 8, "A")], [(0, 4, "B"), (4, 8, "A")], {"boundary": 1, "spurious": 1}),
        # Both levels with other boundaries: each is paired with its own.
        ([(0, 9, "A"), (0, 3, "A")], [(0, 8, "A"), (0, 2, "A")], {"boundary": 2}),
    ],
)
def test_spans_are_paired_once_the_best_overlap_first(
    gold: Spans, predicted: Spans, kinds: dict[str, int]
) -> None:
    assert errors_of([document(gold, predicted)]).total == dict.fromkeys(KINDS, 0) | kinds


def test_types_are_those_of_the_gold_spans_and_of_spurious_ones() -> None:
    one = document([(0, 4, "A"), (9, 12, "B")], [(0, 4, "B"), (20, 22, "C")])
    found = errors_of([one, one]).types
    shown = {label: {kind: n for kind, n in kinds.items() if n} for label, kinds in found.items()}
    assert shown == {"A": {"label": 2}, "B": {"missed": 2}, "C": {"spurious": 2}}


def test_the_confusion_by_hand() -> None:
    gold: Spans = [(0, 3, "A"), (4, 8, "A"), (10, 14, "B"), (20, 24, "B")]
    predicted: Spans = [(0, 3, "B"), (4, 8, "A"), (10, 15, "A"), (30, 32, "A")]
    confusion = errors_of([document(gold, predicted)]).confusion
    assert confusion.columns == ["A", "B", "other boundaries", "missed"]
    assert dict(zip(confusion.rows, confusion.counts, strict=True)) == {
        "A": [1, 1, 0, 0],
        "B": [0, 0, 1, 1],
        "other boundaries": [1, 0, 0, 0],
        "spurious": [1, 0, 0, 0],
    }
    assert confusion.share(0, 1) == 1 / 2 and confusion.share(3, 0) == 1 / 3


def test_no_documents_have_no_errors() -> None:
    found = errors_of([])
    assert found.total == dict.fromkeys(KINDS, 0) and found.types == {}
    assert [list(row) for row in found.table.rows] == [["total", *[0] * len(KINDS)]]


@given(sets, sets)
def test_every_span_is_in_one_place_and_no_pair_is_left(
    gold: frozenset[Entity], predicted: frozenset[Entity]
) -> None:
    found = match(gold, predicted)
    assert sorted([*found.missed, *(ours for ours, _ in found.pairs)]) == sorted(gold)
    assert sorted([*found.spurious, *(theirs for _, theirs in found.pairs)]) == sorted(predicted)
    assert all(a.start < b.end and b.start < a.end for a, b in found.pairs)
    assert not any(
        a.start < b.end and b.start < a.end for a in found.missed for b in found.spurious
    )


@given(documents)
def test_counts_agree_with_the_scores(docs: list[Document]) -> None:
    found = errors_of(docs)
    spans = sum(found.total.values())
    assert spans - found.total["spurious"] == sum(len(doc.gold) for doc in docs)
    assert spans - found.total["missed"] == sum(len(doc.predicted) for doc in docs)
    if docs:
        scores = score_documents(docs, resamples=1)
        assert found.total["correct"] == scores.total.correct
        for i, label in enumerate(found.confusion.labels):
            score, counts = scores.types[label], found.confusion.counts
            assert sum(counts[i]) == score.gold and counts[i][i] == score.correct
            assert sum(row[i] for row in counts) == score.predicted
            assert found.types[label]["correct"] == score.correct
