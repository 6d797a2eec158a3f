"""The threshold of the scores with which a precision or a recall is reached."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from .running import Outcomes


@dataclass(frozen=True, slots=True)
class Cut:
    """What a threshold leaves of the predicted spans.

    Attributes:
        threshold: The lowest score of a span that is kept.
        predicted, correct: The spans that are kept, and how many of them are gold.
        gold: The gold spans.
    """

    threshold: float
    predicted: int
    correct: int
    gold: int

    @property
    def p(self) -> float:
        """The precision; 0 if no span is kept."""
        return self.correct / max(1, self.predicted)

    @property
    def r(self) -> float:
        """The recall; 0 if there are no gold spans."""
        return self.correct / max(1, self.gold)

    @property
    def f(self) -> float:
        """The F1; 0 if there are neither predicted nor gold spans."""
        return 2 * self.correct / max(1, self.predicted + self.gold)


@dataclass(frozen=True, slots=True)
class Change:
    """What is left of the predicted spans without a threshold and with the one that was found."""

    before: Cut
    after: Cut


@dataclass(frozen=True, slots=True)
class Target:
    """What a threshold is to reach.

    Attributes:
        measure: The measure that counts.
        least: The least value of a precision or a recall; of F1, the highest value is wanted.
    """

    measure: Literal["precision", "recall", "F1"] = "F1"
    least: float = 0.0

    def __str__(self) -> str:
        return f"a {self.measure} of {self.least:g}"

    def value(self, cut: Cut) -> float:
        """Return the value of the measure."""
        return {"precision": cut.p, "recall": cut.r, "F1": cut.f}[self.measure]

    def reached(self, cut: Cut) -> bool:
        """Return whether a threshold reaches the least value."""
        return self.value(cut) >= self.least

    def best(self, cuts: Sequence[Cut]) -> Cut:
        """Return the lowest threshold that reaches the precision, the highest one that keeps the
        recall, or the one with the highest F1.

        If none reaches the least value, return the one that comes nearest; of several that are
        equally good, the lowest.

        Args:
            cuts: What the thresholds leave, from the lowest threshold to the highest; at least one.
        """
        reached = list(filter(self.reached, cuts))
        if not reached or self.measure == "F1":
            return max(cuts, key=self.value)
        return reached[0 if self.measure == "precision" else -1]


def cuts(scores: ArrayLike, correct: ArrayLike, gold: int) -> list[Cut]:
    """Return what each threshold leaves that removes other spans than the one before it.

    A threshold is 0, which keeps all spans, or lies in the middle between two scores, so that
    neither rounding nor another batch moves a span across it. At least one span is kept.

    Args:
        scores: The scores of the predicted spans.
        correct: Whether each of them is a gold span.
        gold: The number of gold spans.

    Returns:
        The cuts, from the lowest threshold to the highest.
    """
    order = np.argsort(scores, kind="stable")
    p, right = np.asarray(scores, dtype=np.float64)[order], np.asarray(correct, dtype=bool)[order]
    right_from = [*right[::-1].cumsum()[::-1].tolist(), 0]
    firsts = (np.flatnonzero(np.diff(p)) + 1).tolist()  # the first of equal scores
    return [
        Cut(float(p[i - 1 : i + 1].mean()) if i else 0.0, len(p) - i, right_from[i], gold)
        for i in (0, *firsts)
    ]


def find_threshold(outcomes: Outcomes, target: Target) -> Change:
    """Find one threshold for the spans of all labels."""
    return _change(outcomes.scores, outcomes.correct, sum(outcomes.gold.values()), target)


def find_thresholds(
    outcomes: Outcomes, target: Target, labels: Iterable[str] = ()
) -> dict[str, Change]:
    """Find a threshold for the spans of each label.

    Args:
        labels: Labels that need one, beside those that are gold or predicted. Those that are not
            predicted get the threshold that suits the spans of all labels.
    """
    common = find_threshold(outcomes, target).after.threshold
    changes = {}
    for label in sorted({*labels, *outcomes.gold, *outcomes.labels.tolist()}):
        its = outcomes.labels == label
        found = _change(
            outcomes.scores[its], outcomes.correct[its], outcomes.gold.get(label, 0), target
        )
        if not its.any():
            found = Change(found.before, replace(found.after, threshold=common))
        changes[label] = found
    return changes


def total(changes: Collection[Change]) -> Change:
    """Return the change of all spans, given that of the spans of each label.

    Its thresholds are 0 before, and not a number after, as there are several.
    """
    return Change(
        _sum(0.0, [change.before for change in changes]),
        _sum(math.nan, [change.after for change in changes]),
    )


def _change(scores: ArrayLike, correct: ArrayLike, gold: int, target: Target) -> Change:
    all_cuts = cuts(scores, correct, gold)
    return Change(all_cuts[0], target.best(all_cuts))


def _sum(threshold: float, parts: Sequence[Cut]) -> Cut:
    return Cut(
        threshold,
        sum(part.predicted for part in parts),
        sum(part.correct for part in parts),
        sum(part.gold for part in parts),
    )
