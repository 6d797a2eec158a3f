"""Whether two systems differ in F1 by more than chance: the paired bootstrap over documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .metrics import CORRECT, GOLD, PREDICTED, Document, Floats, Interval, resample

Counts: TypeAlias = NDArray[np.int64]
"""How many spans were predicted, how many of them are correct, and how many are gold, in the last
dimension, at `PREDICTED`, `CORRECT` and `GOLD`."""
RESAMPLES = 10_000
"""How often `difference` draws the documents."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between the F1 of two systems on the same documents, as a fraction.

    Attributes:
        f: By how much the F1 of the first system is greater.
        ci: The 95 % confidence interval of that.
        p: The two-sided p-value: the probability of a difference at least as great, in either
            direction, if the systems were equally good.
    """

    f: float
    ci: Interval
    p: float

    @property
    def cells(self) -> tuple[str, str]:
        """The cells of a table: the difference in points with its interval, and the p-value."""
        points, low, high = (f"{100 * value:+.1f}" for value in (self.f, *self.ci))
        p = "< 0.001" if self.p < 0.001 else f"{self.p:.3f}"
        return f"{points} ({low} to {high})", p


def f1(counts: NDArray[Any]) -> Floats:
    """Return F1; 0 if there is nothing to find and nothing was found.

    Args:
        counts: The three counts, of shape (…, 3).
    """
    both = counts[..., PREDICTED] + counts[..., GOLD]
    scores: Floats = 2 * counts[..., CORRECT] / np.maximum(both, 1)
    return scores


def difference(
    ours: Counts, theirs: Counts, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare the F1 of two systems by the paired bootstrap over documents.

    Documents are drawn with replacement, the same ones for both systems, and the difference of F1
    is computed for each draw. The interval lies between the 2.5 % and the 97.5 % percentile of
    these differences (Efron and Tibshirani, 1993, section 13.3). Around the observed difference
    they spread as they would around 0 if the systems were equally good: the p-value is the share
    that is at least as far from the observed difference as that is from 0 (Berg-Kirkpatrick et al.,
    2012, "An Empirical Investigation of Statistical Significance in NLP", here two-sided). The
    observed difference counts as one more draw, so that no p-value is 0.

    Args:
        ours, theirs: The counts of the same documents, of shape (documents, 3). For several runs of
            a system, these are the sums over its runs.
        resamples: How often the documents are drawn.
        seed: The seed for drawing them.
    """
    table = np.stack([ours, theirs], axis=1).astype(np.float64)
    observed = _lead(table.sum(axis=0))
    drawn = _lead(resample(table, resamples, seed))
    low, high = np.percentile(drawn, (2.5, 97.5))
    farther = np.count_nonzero(np.abs(drawn - observed) >= np.abs(observed))
    p = (farther + 1) / (resamples + 1)
    return Difference(float(observed), (float(low), float(high)), p)


def _lead(counts: Floats) -> Floats:
    """Return by how much the F1 of the first system is greater, from counts of shape (…, 2, 3)."""
    scores = f1(counts)
    lead: Floats = scores[..., 0] - scores[..., 1]
    return lead


def per_document(documents: Sequence[Document]) -> dict[str, Any]:
    """Return what the metrics file holds for paired comparisons.

    Returns:
        The lists "predicted", "correct" and "gold" with the counts of each document, and "digest",
        which differs for other texts or gold spans: counts with the same digest can be paired.
    """
    digest = hashlib.sha256()
    for document in documents:
        gold = sorted((entity.start, entity.end, entity.label) for entity in document.gold)
        digest.update(json.dumps([document.text, gold]).encode())
    return {
        "digest": digest.hexdigest(),
        "predicted": [len(document.predicted) for document in documents],
        "correct": [len(document.predicted & document.gold) for document in documents],
        "gold": [len(document.gold) for document in documents],
    }


def counts_per_document(stored: Mapping[str, Any]) -> Counts:
    """Return the counts that `per_document` returned, of shape (documents, 3).

    Raises:
        KeyError: If one of the lists is missing.
        ValueError: If the lists have different lengths.
    """
    return np.array([stored[name] for name in ("predicted", "correct", "gold")], dtype=np.int64).T
