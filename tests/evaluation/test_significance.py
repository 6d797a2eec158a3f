import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.evaluation.metrics import Document, score_documents
from spacy_genner.evaluation.significance import (
    Counts,
    Difference,
    counts_per_document,
    difference,
    f1,
    per_document,
)
from spacy_genner.types import Entity

Rows = list[tuple[int, int, int]]
"""The predicted, correct and gold spans of each document."""


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Counts, Counts]:
    """The counts of two systems on the same documents."""
    ours, theirs = Rows(), Rows()
    for _ in range(draw(st.integers(1, 8))):
        gold = draw(st.integers(0, 4))
        for rows in (ours, theirs):
            predicted = draw(st.integers(0, 4))
            rows.append((predicted, draw(st.integers(0, min(predicted, gold))), gold))
    return np.array(ours), np.array(theirs)


def sampled(rng: np.random.Generator, documents: int, recall: float) -> tuple[Counts, Counts]:
    """The counts of a system that finds 60 % of 0 to 4 gold spans and of one with another recall;
    both also predict some wrong spans."""
    gold = rng.integers(5, size=documents)
    systems = []
    for share in (0.6, recall):
        correct = rng.binomial(gold, share)
        systems.append(np.stack([correct + rng.binomial(2, 0.3, documents), correct, gold], axis=1))
    return systems[0], systems[1]


def test_f1_of_counts() -> None:
    assert f1(np.array([2, 1, 2])) == 1 / 2
    assert f1(np.array([[0, 0, 0], [3, 0, 0], [1, 1, 3]])).tolist() == [0, 0, 1 / 2]


@pytest.mark.parametrize(("p", "shown"), [(0.04, "0.040"), (0.001, "0.001"), (0.00099, "< 0.001")])
def test_a_difference_is_shown_in_points(p: float, shown: str) -> None:
    assert Difference(0.0123, (-0.002, 0.05), p).cells == ("+1.2 (-0.2 to +5.0)", shown)


@given(pairs())
def test_a_system_does_not_differ_from_itself(pair: tuple[Counts, Counts]) -> None:
    assert difference(pair[0], pair[0], resamples=20) == Difference(0, (0, 0), 1)


@given(pairs())
def test_the_other_way_round_the_difference_is_the_opposite(pair: tuple[Counts, Counts]) -> None:
    ours, theirs = pair
    found, opposite = (difference(*both, resamples=20) for both in (pair, (theirs, ours)))
    assert opposite.f == -found.f and opposite.p == found.p
    assert opposite.ci == pytest.approx((-found.ci[1], -found.ci[0]))


@given(pairs())
def test_several_identical_runs_are_as_one(pair: tuple[Counts, Counts]) -> None:
    ours, theirs = pair
    one, pooled = (difference(n * ours, theirs, resamples=20) for n in (1, 3))
    assert pooled == one


def percentile(values: Sequence[float], share: float) -> float:
    """With linear interpolation between the two nearest values."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


@given(pairs(), st.integers(0, 9))
def test_it_equals_a_bootstrap_in_plain_python(pair: tuple[Counts, Counts], seed: int) -> None:
    ours, theirs = (counts.tolist() for counts in pair)

    def lead(documents: Sequence[int]) -> float:
        scores = []
        for rows in (ours, theirs):
            predicted, correct, gold = (sum(rows[i][k] for i in documents) for k in range(3))
            scores.append(2 * correct / (predicted + gold) if predicted + gold else 0.0)
        return scores[0] - scores[1]

    n, rng = len(ours), np.random.default_rng(seed)
    observed = lead(range(n))
    drawn = [lead(rng.integers(n, size=n).tolist()) for _ in range(30)]
    farther = sum(abs(value - observed) >= abs(observed) for value in drawn)
    found = difference(*pair, resamples=30, seed=seed)
    assert found.f == observed and found.p == (farther + 1) / 31
    low, high = (percentile(sorted(drawn), share) for share in (0.025, 0.975))
    assert found.ci == pytest.approx((low, high))


def test_p_values_are_uniform_if_the_systems_are_equally_good() -> None:
    rng = np.random.default_rng(0)
    p = np.array([difference(*sampled(rng, 80, 0.6), resamples=200).p for _ in range(400)])
    for level in (0.05, 0.2, 0.5, 0.8):
        assert (p <= level).mean() == pytest.approx(level, abs=0.07)


def test_a_clear_difference_has_a_small_p_value_and_an_interval_without_0() -> None:
    better, worse = sampled(np.random.default_rng(0), 200, 0.4)
    found = difference(better, worse, resamples=999)
    assert 0 < found.ci[0] < found.f < found.ci[1] and found.p == 1 / 1000


def test_pairing_tells_small_differences_from_chance() -> None:
    """One system finds what another one finds and ten spans more; a third one has the counts of the
    first on other documents, so that its F1 is the same."""
    rng = np.random.default_rng(0)
    worse, _ = sampled(rng, 200, 0.6)
    better = worse.copy()
    better[np.flatnonzero(worse[:, 1] < worse[:, 2])[:10]] += (1, 1, 0)
    elsewhere = better.copy()
    for gold in range(5):  # among documents with as many gold spans
        places = np.flatnonzero(better[:, 2] == gold)
        elsewhere[places] = better[rng.permutation(places)]
    found, other = (difference(counts, worse, 1000) for counts in (better, elsewhere))
    assert found.f == other.f > 0
    assert found.p < 0.01 and other.p > 0.2


A, B = Entity(0, 4, "GPE"), Entity(8, 12, "GPE")
BONN = Document("Bonn am Rhein", frozenset({A, B}), frozenset({A, Entity(0, 4, "ORG")}))
EMPTY = Document("\ud800", frozenset(), frozenset())


def test_the_counts_of_documents_survive_json() -> None:
    stored = json.loads(json.dumps(per_document([BONN, EMPTY])))
    counts = counts_per_document(stored)
    assert counts.tolist() == [[2, 1, 2], [0, 0, 0]]
    assert f1(counts.sum(axis=0)) == score_documents([BONN, EMPTY]).total.f


@pytest.mark.parametrize(
    "other, same",
    [
        ([Document(BONN.text, frozenset({B, A}), frozenset()), EMPTY], True),
        ([Document(BONN.text, frozenset({A}), BONN.predicted), EMPTY], False),
        ([Document("Bonn am Main!", BONN.gold, BONN.predicted), EMPTY], False),
        ([EMPTY, BONN], False),
        ([BONN], False),
    ],
)
def test_the_digest_is_that_of_texts_and_gold_spans(other: list[Document], same: bool) -> None:
    digests = {per_document(documents)["digest"] for documents in ([BONN, EMPTY], other)}
    assert len(digests) == (1 if same else 2)


@pytest.mark.parametrize(
    "stored, error",
    [
        ({"predicted": [1], "correct": [1]}, KeyError),
        ({"predicted": [1], "correct": [1], "gold": [1, 2]}, ValueError),
    ],
)
def test_incomplete_counts_are_an_error(stored: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        counts_per_document(stored)
