import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.evaluation.running import Outcomes
from spacy_genner.evaluation.thresholds import (
    Cut,
    Target,
    cuts,
    find_threshold,
    find_thresholds,
    total,
)

SCORES = [0.5, 0.9, 0.1, 0.5, 0.7]
CORRECT = [False, True, False, True, True]
CUTS = [Cut(0.0, 5, 3, 6), Cut(0.3, 4, 3, 6), Cut(0.6, 2, 2, 6), Cut(0.8, 1, 1, 6)]
"""By hand: in the order of scores 0.1 ✗ | 0.5 ✗, 0.5 ✓ | 0.7 ✓ | 0.9 ✓, and 6 gold spans."""

SPANS = st.lists(
    st.tuples(st.floats(0, 1, width=32), st.booleans(), st.sampled_from("AB")), min_size=1
)
TARGETS = st.builds(Target, st.sampled_from(["precision", "recall", "F1"]), st.floats(0, 1))


def outcomes(spans: list[tuple[float, bool, str]], missed: int = 0) -> Outcomes:
    """Predicted spans, and for each label so many gold spans that were not predicted."""
    scores, correct, labels = zip(*spans, strict=True)
    gold = {label: missed for label in "AB"}
    for _, right, label in spans:
        gold[label] += right
    return Outcomes(
        np.array(scores), np.array(correct), np.zeros(len(spans), int), np.array(labels), gold
    )


def test_cuts_lie_between_scores_and_keep_equal_ones_together() -> None:
    found = cuts(SCORES, CORRECT, 6)
    assert [cut.threshold for cut in found] == pytest.approx([cut.threshold for cut in CUTS])
    assert [(cut.predicted, cut.correct, cut.gold) for cut in found] == [
        (cut.predicted, cut.correct, cut.gold) for cut in CUTS
    ]
    assert (found[1].p, found[1].r, found[1].f) == (3 / 4, 3 / 6, 6 / 10)


def test_no_spans_have_the_cut_that_keeps_them_all() -> None:
    assert cuts([], [], 2) == [Cut(0.0, 0, 0, 2)]
    nothing = cuts([], [], 0)[0]
    assert (nothing.p, nothing.r, nothing.f) == (0, 0, 0)


@given(SPANS, st.integers(0, 5))
def test_a_cut_counts_what_its_threshold_leaves(
    spans: list[tuple[float, bool, str]], missed: int
) -> None:
    gold = sum(right for _, right, _ in spans) + missed
    found = cuts([score for score, _, _ in spans], [right for _, right, _ in spans], gold)
    for cut in found:
        left = [right for score, right, _ in spans if score >= cut.threshold]
        assert (cut.predicted, cut.correct, cut.gold) == (len(left), sum(left), gold)
        assert 0 <= cut.threshold <= 1 and 0 <= cut.p <= 1 and 0 <= cut.r <= 1
    assert found[0].threshold == 0 and found[0].predicted == len(spans)
    assert len(found) == len({score for score, _, _ in spans})


@pytest.mark.parametrize(
    ("target", "best"),
    [
        (Target("precision", 0.6), 0),
        (Target("precision", 0.7), 1),
        (Target("precision", 0.9), 2),
        (Target("recall", 0.5), 1),
        (Target("recall", 0.3), 2),
        (Target("recall", 0.0), 3),
        (Target("recall", 0.6), 0),
        (Target(), 1),
    ],
)
def test_the_best_threshold(target: Target, best: int) -> None:
    assert target.best(CUTS) == CUTS[best]
    assert target.reached(CUTS[best]) == (target.least != 0.6 or target.measure == "precision")


def test_if_the_precision_is_not_reached_the_nearest_counts() -> None:
    found = cuts([0.2, 0.4, 0.6, 0.8], [False, True, True, False], 2)
    target = Target("precision", 0.9)
    assert target.best(found) == Cut(pytest.approx(0.3), 3, 2, 2)
    assert not target.reached(target.best(found))


@given(SPANS, TARGETS, st.integers(0, 3))
def test_no_other_threshold_is_better(
    spans: list[tuple[float, bool, str]], target: Target, missed: int
) -> None:
    its = outcomes(spans, missed)
    found = cuts(its.scores, its.correct, sum(its.gold.values()))
    best = find_threshold(its, target).after
    reached = [cut for cut in found if target.reached(cut)]
    if target.measure == "F1" or not reached:
        assert target.value(best) == max(map(target.value, found))
    elif target.measure == "precision":
        assert best.threshold == min(cut.threshold for cut in reached)
    else:
        assert best.threshold == max(cut.threshold for cut in reached)


@given(SPANS, TARGETS, st.integers(0, 3))
def test_if_each_label_reaches_the_target_all_spans_do(
    spans: list[tuple[float, bool, str]], target: Target, missed: int
) -> None:
    its = outcomes(spans, missed)
    changes = find_thresholds(its, target)
    overall = total(changes.values())
    assert overall.before == find_threshold(its, target).before
    left = [right for score, right, label in spans if score >= changes[label].after.threshold]
    assert (overall.after.predicted, overall.after.correct) == (len(left), sum(left))
    predicted = [change for change in changes.values() if change.before.predicted]
    if target.measure == "precision" and all(target.reached(c.after) for c in predicted):
        assert overall.after.p >= target.least


def test_each_label_has_its_own_threshold() -> None:
    its = outcomes([(0.2, False, "A"), (0.4, True, "A"), (0.6, False, "B"), (0.8, True, "B")])
    changes = find_thresholds(its, Target("precision", 1.0))
    assert {label: round(change.after.threshold, 6) for label, change in changes.items()} == {
        "A": 0.3,
        "B": 0.7,
    }
    overall = total(changes.values()).after
    assert (overall.predicted, overall.correct, overall.gold) == (2, 2, 2)
    assert math.isnan(overall.threshold)
    assert find_threshold(its, Target("precision", 1.0)).after.predicted == 1


def test_a_label_without_predictions_gets_the_threshold_of_all_spans() -> None:
    its = outcomes([(0.2, False, "A"), (0.4, True, "A")])
    changes = find_thresholds(its, Target("precision", 1.0), ["C"])
    assert list(changes) == ["A", "B", "C"]
    thresholds = [change.after.threshold for change in changes.values()]
    assert thresholds == pytest.approx([0.3, 0.3, 0.3])
    assert (changes["C"].after.predicted, changes["C"].after.gold) == (0, 0)
