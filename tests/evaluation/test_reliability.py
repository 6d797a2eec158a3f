from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.calibration import Platt, brier, calibration_error
from spacy_genner.evaluation.reliability import (
    aurc,
    charts_of,
    reliabilities,
    reliability,
    risk_coverage,
)
from spacy_genner.evaluation.running import Outcomes

SPANS = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=50)
Spans = list[tuple[float, bool]]


def columns(spans: Spans) -> tuple[list[float], list[bool]]:
    return [score for score, _ in spans], [right for _, right in spans]


def outcomes(spans: Spans, labels: str) -> Outcomes:
    scores, correct = map(np.array, columns(spans))
    return Outcomes(scores, correct, np.zeros(len(spans), int), np.array(list(labels)), {})


def test_risk_and_coverage_by_hand() -> None:
    """In the order of scores: ✓ ✗ ✓ ✗."""
    scores, correct = [0.2, 0.9, 0.6, 0.8], [False, True, True, False]
    assert risk_coverage(scores, correct, points=4) == [
        (0.25, 0),
        (0.5, 1 / 2),
        (0.75, pytest.approx(1 / 3)),
        (1, 1 / 2),
    ]
    assert aurc(scores, correct) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_scores_share_their_errors() -> None:
    """One of the two best is wrong, so that on average half an error is kept with one span."""
    scores, correct = [0.9, 0.9, 0.1], [True, False, True]
    assert aurc(scores, correct) == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_with_equal_scores_the_area_is_the_mean_over_all_orders(correct: list[bool]) -> None:
    distinct = np.linspace(1, 0.5, len(correct))
    areas = [aurc(distinct, order) for order in permutations(correct)]
    assert aurc([0.5] * len(correct), correct) == pytest.approx(np.mean(areas))


@given(SPANS, st.integers(1, 30))
def test_the_curve_ends_with_the_share_of_errors_and_stays_a_rate(
    spans: Spans, points: int
) -> None:
    curve = risk_coverage(*columns(spans), points)
    assert len(curve) == points and all(-1e-9 <= risk <= 1 + 1e-9 for _, risk in curve)
    assert curve[-1] == (1, pytest.approx(np.mean([not right for _, right in spans])))


@given(SPANS, st.randoms())
def test_the_order_of_the_spans_does_not_matter(spans: Spans, random: np.random.Generator) -> None:
    before = aurc(*columns(spans)), risk_coverage(*columns(spans))
    random.shuffle(spans)
    assert (aurc(*columns(spans)), risk_coverage(*columns(spans))) == before


@given(st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=50))
def test_calibration_does_not_change_the_curve(spans: list[tuple[int, bool]]) -> None:
    scores, correct = np.array([score / 100 for score, _ in spans]), [right for _, right in spans]
    assert aurc(Platt(0.5, -0.3)(scores), correct) == pytest.approx(aurc(scores, correct))


@given(SPANS)
def test_the_best_order_has_the_least_area_and_the_worst_the_largest(spans: Spans) -> None:
    correct = [right for _, right in spans]
    best, worst = aurc(correct, correct), aurc([not right for right in correct], correct)
    assert best - 1e-9 <= aurc(*columns(spans)) <= worst + 1e-9


@given(SPANS)
def test_the_parts_of_the_reliability_agree(spans: Spans) -> None:
    scores, correct = columns(spans)
    found = reliability(scores, correct)
    assert found.spans == len(spans) == sum(part.spans for part in found.bins)
    assert found.ece == calibration_error(scores, correct) and found.brier == brier(scores, correct)
    assert sum(part.spans * part.score for part in found.bins) == pytest.approx(sum(scores))
    assert sum(part.spans * part.correct for part in found.bins) == pytest.approx(sum(correct))
    assert max(part.spans for part in found.bins) - min(part.spans for part in found.bins) <= 1


def test_each_label_is_measured_apart() -> None:
    found = reliabilities(outcomes([(0.9, True), (0.2, False), (0.7, False), (0.6, True)], "BABA"))
    assert found is not None
    assert list(found.types) == ["A", "B"]
    assert found.types["A"] == reliability([0.2, 0.6], [False, True])
    assert found.types["B"] == reliability([0.9, 0.7], [True, False])
    assert found.total == reliability([0.9, 0.2, 0.7, 0.6], [True, False, False, True])


@pytest.mark.parametrize("spans", [[], [(0.5, True), (float("nan"), True)]])
def test_without_scores_there_is_nothing_to_measure(spans: Spans) -> None:
    if spans:
        assert reliabilities(outcomes(spans, "AA")) is None
    nothing = np.array([])
    assert reliabilities(Outcomes(nothing, nothing, nothing, nothing, {})) is None


def test_charts_show_the_bins_and_the_curves_in_percent() -> None:
    """Of 4 gold spans one is found: by the better of two spans, which is half of all."""
    tradeoff, correct, errors = charts_of(reliability([0.25, 0.75], [False, True]), gold=4)
    assert tradeoff.lines["spans"][9] == (25, 100) and tradeoff.lines["spans"][-1] == (25, 50)
    assert (tradeoff.last, tradeoff.top) == (100, 100)
    assert tradeoff.note == "all spans: precision 50.0, recall 25.0"
    assert correct.lines["spans"] == [(0.25, 0), (0.75, 100)]
    assert correct.lines["perfectly calibrated"] == [(0, 0), (1, 100)]
    assert (correct.axis, correct.last, correct.top) == ("score", 1, 100)
    assert correct.note.startswith("calibration error 0.250 (")
    assert correct.note.endswith(" by chance), Brier score 0.062")
    assert errors.lines["spans"][9] == (50, 0) and errors.lines["spans"][-1] == (100, 50)
    assert errors.note == "area under the curve 0.250" and errors.axis == "% kept"
