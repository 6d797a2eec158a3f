"""Calibration: turning scores into probabilities by Platt scaling of their logarithm, and measures
of how well scores are calibrated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Platt:
    """A scaling that turns a score p into 1 / (1 + exp(-(slope · ln p + intercept))) (Platt 1999).

    It keeps the order of scores.

    Raises:
        ValueError: If the slope is not above 0, or a number is not finite.
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.intercept)):
            raise ValueError(f"{self}: expected a slope above 0, and finite numbers")

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the calibrated scores."""
        return _logistic(self.slope * _log(scores) + self.intercept)


@dataclass(frozen=True, slots=True)
class Bin:
    """Spans with similar scores.

    Attributes:
        spans: The number of spans.
        score: Their average score.
        correct: The share of correct spans among them.
    """

    spans: int
    score: float
    correct: float


def as_platt(saved: Any) -> Platt | None:
    """Return the scaling that was saved as a dictionary, or None if None was saved.

    Raises:
        ValueError: If anything else was saved.
    """
    match saved:
        case None:
            return None
        case {
            "slope": float() | int() as slope,
            "intercept": float() | int() as intercept,
            **rest,
        } if not rest:
            return Platt(slope, intercept)
    raise ValueError(f"calibration = {saved!r}: expected null, or numbers as slope and intercept")


def fit_platt(scores: ArrayLike, correct: ArrayLike, iterations: int = 100) -> Platt:
    """Fit the scaling under which the correctness of spans is most likely, by Newton's method on
    Platt's smoothed targets.

    Args:
        scores: The scores of predicted spans, in (0, 1].
        correct: Whether each of them is a gold span.
        iterations: At most how many steps are made.

    Raises:
        ValueError: If there are no correct or no wrong spans.
        ValueError: If higher scores do not mean more correct spans.
    """
    x, right = _log(scores), np.asarray(correct, dtype=bool)
    positives, negatives = int(right.sum()), int((~right).sum())
    if not positives or not negatives:
        raise ValueError(
            f"{positives} correct and {negatives} wrong spans: calibration needs some of both: use "
            "more data"
        )
    target = np.where(right, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    features = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    for _ in range(iterations):
        p = _logistic(features @ weights)
        hessian = features.T @ (features * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, features.T @ (p - target))
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    slope, intercept = map(float, weights)
    if slope <= 0:
        raise ValueError(
            "higher scores do not mean more correct spans here: use more data, or train longer"
        )
    return Platt(slope, intercept)


def calibration_error(scores: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance between the average score and the
    share of correct spans, over bins with an equal number of spans."""
    parts = equal_bins(scores, correct, bins)
    distances = [part.spans * abs(part.score - part.correct) for part in parts]
    return sum(distances) / sum(part.spans for part in parts)


def chance_error(scores: ArrayLike, draws: int = 200, seed: int = 0) -> float:
    """Return the mean calibration error that perfectly calibrated spans with these scores have by
    chance, because the share of correct spans in a bin varies. The fewer spans, the greater it is.

    Args:
        scores: The scores of spans, at least one.
        draws: How often it is drawn which of the spans are correct, each with its score as the
            probability.
        seed: The seed for drawing it.
    """
    p = np.asarray(scores, dtype=np.float64)
    random = np.random.default_rng(seed)
    drawn = (random.random(len(p)) < p for _ in range(draws))
    return float(np.mean([calibration_error(p, correct) for correct in drawn]))


def equal_bins(scores: ArrayLike, correct: ArrayLike, bins: int = 10) -> list[Bin]:
    """Return the spans, in the order of their scores, in bins with an equal number of spans.

    If there are fewer spans than bins, each span has one.
    """
    order = np.argsort(scores, kind="stable")
    p, right = np.asarray(scores, dtype=float)[order], np.asarray(correct, dtype=float)[order]
    return [
        Bin(len(part), float(p[part].mean()), float(right[part].mean()))
        for part in np.array_split(np.arange(len(p)), bins)
        if len(part)
    ]


def brier(scores: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean squared distance between score and truth (Brier 1950): lower is better."""
    return float(np.mean((np.asarray(scores, dtype=float) - np.asarray(correct, dtype=float)) ** 2))


def cross_validated(
    scores: ArrayLike, correct: ArrayLike, documents: ArrayLike, folds: int = 5, seed: int = 0
) -> NDArray[np.float64]:
    """Return the scores, each calibrated by a scaling that was fitted to other documents. They show
    how good a fit is on new documents.

    Args:
        documents: The number of the document of each span. Documents are not split, because spans
            of the same one resemble one another.

    Raises:
        ValueError: If a scaling cannot be fitted to a part of the documents; see `fit_platt`.
    """
    p, right, document = np.asarray(scores), np.asarray(correct), np.asarray(documents)
    numbers = np.random.default_rng(seed).permutation(np.unique(document))
    result = np.empty(len(p))
    for fold in np.array_split(numbers, folds):
        held_out = np.isin(document, fold)
        result[held_out] = fit_platt(p[~held_out], right[~held_out])(p[held_out])
    return result


def _log(scores: ArrayLike) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(scores, dtype=np.float64), np.finfo(np.float64).tiny))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -700, 700)))
    return result
