from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.calibration import (
    Platt,
    as_platt,
    brier,
    calibration_error,
    chance_error,
    cross_validated,
    fit_platt,
)


def drawn(truth: Platt, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.01, 1, n)
    return scores, rng.uniform(size=n) < truth(scores)


@pytest.mark.parametrize("truth", [Platt(1.0, 1.5), Platt(0.5, -0.2), Platt(3.0, 4.0)])
def test_finds_the_scaling_that_the_data_were_drawn_from(truth):
    fitted = fit_platt(*drawn(truth))
    assert fitted.slope == pytest.approx(truth.slope, rel=0.1)
    assert fitted.intercept == pytest.approx(truth.intercept, abs=0.15)


def test_lowers_the_error_of_overconfident_scores():
    scores, correct = drawn(Platt(2.0, 0.0))
    before = calibration_error(scores, correct)
    after = calibration_error(fit_platt(scores, correct)(scores), correct)
    assert before > 0.1
    assert after < 0.02


def test_error_of_perfect_and_of_opposite_scores():
    assert calibration_error([0.0] * 5 + [1.0] * 5, [False] * 5 + [True] * 5) == 0
    assert calibration_error([1.0] * 4, [False] * 4) == 1


def test_chance_is_the_error_of_perfectly_calibrated_scores():
    rng = np.random.default_rng(0)
    for number in (50, 2000):
        scores = rng.uniform(size=number)
        errors = [calibration_error(scores, rng.uniform(size=number) < scores) for _ in range(300)]
        assert chance_error(scores) == pytest.approx(np.mean(errors), rel=0.1)
    assert chance_error([0.0] * 5 + [1.0] * 5) == 0, "certain scores leave nothing to chance"


@given(st.lists(st.floats(1e-9, 1), min_size=2, max_size=20), st.floats(0.1, 5), st.floats(-5, 5))
def test_keeps_the_order_and_stays_a_probability(scores, slope, intercept):
    calibrated = Platt(slope, intercept)(sorted(scores))
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


def test_a_score_of_zero_is_no_error():
    assert Platt(1.0, 0.0)([0.0])[0] == pytest.approx(0)


@pytest.mark.parametrize("correct", [[True, True], [False, False]])
def test_needs_both_kinds(correct):
    with pytest.raises(ValueError, match="some of both"):
        fit_platt([0.5, 0.9], correct)


def test_refuses_scores_that_say_the_opposite():
    with pytest.raises(ValueError, match="do not mean"):
        fit_platt([0.1] * 50 + [0.9] * 50, [True] * 45 + [False] * 50 + [True] * 5)


def test_brier_score():
    assert brier([1.0, 0.0, 0.5], [True, False, True]) == pytest.approx(0.25 / 3)


def test_cross_validation_fits_to_the_other_documents():
    """With scores that mean something, about what the fit to all is worth; each document by the
    others."""
    scores, correct = drawn(Platt(2.0, 0.0), 2000)
    documents = np.repeat(np.arange(200), 10)
    unseen = cross_validated(scores, correct, documents)
    assert np.abs(unseen - fit_platt(scores, correct)(scores)).max() < 0.05
    changed = correct.copy()
    changed[documents == 7] = ~changed[documents == 7]
    assert (
        cross_validated(scores, changed, documents)[documents == 7] == unseen[documents == 7]
    ).all()


def test_cross_validation_sees_a_fit_that_is_worse_on_new_documents():
    """Perfect scores, and few documents to learn from, whose errors go together."""
    rng = np.random.default_rng(1)
    documents = np.repeat(np.arange(6), 4)
    scores = rng.uniform(0.05, 0.95, 24)
    correct = rng.uniform(size=24) < scores
    assert brier(cross_validated(scores, correct, documents), correct) > brier(scores, correct)


def test_cross_validation_needs_both_kinds_in_each_part():
    with pytest.raises(ValueError, match="some of both"):
        cross_validated([0.9, 0.8, 0.1], [True, True, False], [0, 1, 2])


@pytest.mark.parametrize(
    ("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (1.0, float("inf"))]
)
def test_a_scaling_that_is_none_is_refused(slope, intercept):
    with pytest.raises(ValueError, match="expected a slope above 0, and finite numbers"):
        Platt(slope, intercept)


@pytest.mark.parametrize(
    "saved",
    [
        *[
            [],
            3,
            "",
            {},
            {"slope": 1.0},
            {"slope": 1.0, "intercept": "0"},
            {"slope": None, "intercept": 0.0},
        ],
        {"slope": 1.0, "intercept": 0.0, "temperature": 2.0},
    ],
)
def test_something_else_is_no_scaling(saved):
    with pytest.raises(
        ValueError, match=r"calibration = .*: expected null, or numbers as slope and intercept"
    ):
        as_platt(saved)


def test_a_saved_scaling():
    assert as_platt(None) is None
    assert as_platt(asdict(Platt(2.0, -1.5))) == Platt(2.0, -1.5)
    assert as_platt({"slope": 2, "intercept": 0}) == Platt(2.0, 0.0)
