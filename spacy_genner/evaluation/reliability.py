"""How far the scores of spans can be relied on: how well they are calibrated, and how many errors
are left if only the spans with the highest scores are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..decoding.calibration import Bin, brier, calibration_error, chance_error, equal_bins
from .chart import Chart, Points, chart
from .running import Outcomes


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the scores of a group of spans can be relied on.

    Attributes:
        spans: The number of spans.
        ece: The expected calibration error; see `calibration_error`.
        chance: What it would be if the scores were perfectly calibrated; see `chance_error`.
        brier: The mean squared distance between score and truth.
        aurc: The area under the risk–coverage curve; see `aurc`.
        bins: The spans in ten bins with an equal number of them, from the lowest scores to the
            highest.
        risk_coverage: The risk–coverage curve; see `risk_coverage`.
    """

    spans: int
    ece: float
    chance: float
    brier: float
    aurc: float
    bins: list[Bin]
    risk_coverage: Points


@dataclass(frozen=True, slots=True)
class Reliabilities:
    """The reliability of the scores of all spans, and of the spans of each label."""

    total: Reliability
    types: dict[str, Reliability]


def reliabilities(outcomes: Outcomes) -> Reliabilities | None:
    """Return how far the scores of predicted spans can be relied on.

    Returns:
        None if there are no spans, or if some of them have no score.
    """
    if not outcomes.scored:
        return None
    types = {}
    for label in sorted(set(outcomes.labels.tolist())):
        its = outcomes.labels == label
        types[label] = reliability(outcomes.scores[its], outcomes.correct[its])
    return Reliabilities(reliability(outcomes.scores, outcomes.correct), types)


def reliability(scores: ArrayLike, correct: ArrayLike) -> Reliability:
    """Return how far scores can be relied on.

    Args:
        scores: The scores of predicted spans, at least one.
        correct: Whether each of them is a gold span.
    """
    return Reliability(
        spans=len(np.asarray(scores)),
        ece=calibration_error(scores, correct),
        chance=chance_error(scores),
        brier=brier(scores, correct),
        aurc=aurc(scores, correct),
        bins=equal_bins(scores, correct),
        risk_coverage=risk_coverage(scores, correct),
    )


def risk_coverage(scores: ArrayLike, correct: ArrayLike, points: int = 20) -> Points:
    """Return the risk–coverage curve (Geifman and El-Yaniv 2017, arXiv 1705.08500).

    Args:
        scores: The scores of predicted spans, at least one.
        correct: Whether each of them is a gold span.
        points: The number of points, at equal distances.

    Returns:
        Pairs of the share of spans that are kept, those with the highest scores, and the share of
        errors among them. The last one keeps all spans.
    """
    coverage = np.arange(1, points + 1) / points
    kept = coverage * len(np.asarray(scores))
    risk = _errors_among(kept, scores, correct) / kept
    return list(zip(coverage.tolist(), risk.tolist(), strict=True))


def aurc(scores: ArrayLike, correct: ArrayLike) -> float:
    """Return the area under the risk–coverage curve (Geifman et al. 2019, arXiv 1805.08206).

    It is the mean share of errors among the k spans with the highest scores, for k from 1 to the
    number of spans. Lower is better. Only the order of the scores matters, so that calibration does
    not change it.
    """
    kept = np.arange(1, len(np.asarray(scores)) + 1, dtype=np.float64)
    return float(np.mean(_errors_among(kept, scores, correct) / kept))


def charts_of(measured: Reliability, gold: int) -> list[Chart]:
    """Return the charts of scores: the precision–recall curve, the share of correct spans by score,
    and the risk–coverage curve, all in percent.

    Args:
        measured: The reliability of the scores of all spans.
        gold: The number of gold spans.
    """
    precision: Points = []
    for coverage, risk in measured.risk_coverage:
        found = coverage * measured.spans * (1 - risk)
        precision.append((100 * found / max(1, gold), 100 * (1 - risk)))
    recall, last = precision[-1]
    correct: Points = [(part.score, 100 * part.correct) for part in measured.bins]
    errors: Points = [(100 * coverage, 100 * risk) for coverage, risk in measured.risk_coverage]
    tradeoff = chart(
        "Precision by recall, %",
        {"spans": precision},
        f"all spans: precision {last:.1f}, recall {recall:.1f}",
        "recall, %",
    )
    return [
        replace(tradeoff, last=100.0, top=100.0),
        chart(
            "Correct spans by score, %",
            {"spans": correct, "perfectly calibrated": [(0, 0), (1, 100)]},
            f"calibration error {measured.ece:.3f} ({measured.chance:.3f} by chance), "
            f"Brier score {measured.brier:.3f}",
            "score",
        ),
        chart(
            "Errors among the spans that are kept, %",
            {"spans": errors},
            f"area under the curve {measured.aurc:.3f}",
            "% kept",
        ),
    ]


def _errors_among(
    kept: NDArray[np.float64], scores: ArrayLike, correct: ArrayLike
) -> NDArray[np.float64]:
    """Return the number of errors among the spans with the highest scores.

    Of spans with equal scores, of which only a part is kept, errors count in proportion, as in the
    mean over all orders.

    Args:
        kept: How many spans are kept, for each number to return.
    """
    _, places = np.unique(-np.asarray(scores, dtype=np.float64), return_inverse=True)
    wrong = np.bincount(places, weights=~np.asarray(correct, dtype=bool))
    spans = np.bincount(places)
    errors: NDArray[np.float64] = np.interp(kept, [0, *spans.cumsum()], [0, *wrong.cumsum()])
    return errors
