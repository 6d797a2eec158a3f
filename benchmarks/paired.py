"""F1 from the counts of each sentence, the paired bootstrap of the difference of two, and a table
of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from statistics import mean
from typing import TypeAlias

import numpy as np
from cells import Cell
from numpy.typing import NDArray

from spacy_genner.types import Entity

Counts: TypeAlias = NDArray[np.int64]
"""How many entities were predicted, how many of them are correct, and how many are gold, in the
last dimension."""
PREDICTED, CORRECT, GOLD = range(3)
_RESAMPLES = 10_000


def counted(found: Iterable[Set[Entity]], gold: Iterable[Set[Entity]]) -> str:
    """Return the counts of sentences in one line, such as "2/1/3 0/0/1"."""
    pairs = zip(found, gold, strict=True)
    return " ".join(f"{len(found)}/{len(found & gold)}/{len(gold)}" for found, gold in pairs)


def counts_of(line: str) -> Counts:
    """Return the counts that `counted` wrote, of shape (sentences, 3)."""
    return np.array([sentence.split("/") for sentence in line.split()], dtype=np.int64)


def f1(counts: Counts) -> NDArray[np.float64]:
    """Return F1; 0 if there is nothing to find and nothing was found."""
    both = counts[..., PREDICTED] + counts[..., GOLD]
    scores: NDArray[np.float64] = 2 * counts[..., CORRECT] / np.maximum(both, 1)
    return scores


def difference(ours: Counts, theirs: Counts) -> tuple[float, float, float]:
    """Return by how much our F1 is greater, and the 95 % percentile interval of that, by the paired
    bootstrap over sentences (Efron and Tibshirani, 1993, section 13.3).

    Args:
        ours, theirs: The counts of the same sentences, of shape (sentences, 3).
    """
    n = len(ours)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES)
    low, high = np.percentile(f1(draws @ ours) - f1(draws @ theirs), (2.5, 97.5))
    return float(f1(ours.sum(axis=0)) - f1(theirs.sum(axis=0))), float(low), float(high)


def table(cells: Sequence[Cell]) -> str:
    """Return a row for each spelling that models were trained on and each way to decode them, with
    our decoder's lead over it after training on the canonical spelling, all seeds together."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell["corpus"], cell["spelling"]), []).append(cell)
    header = ["corpus", "trained on", "decoded", "F1 of each seed", "mean", "P", "R", "R, joined"]
    lines = [[*header, "illegal %", "ours minus this"], ["---"] * 3 + ["---:"] * 7]
    for (corpus, spelling), group in groups.items():
        seeds = {cell["seed"] for cell in group}
        outside = [cell for cell in groups.get((corpus, "canonical"), ()) if cell["seed"] in seeds]
        for way in (name for name, value in group[0].items() if isinstance(value, dict)):
            counts = pooled(group, way)
            total = counts.sum(axis=0)
            rates = [total[CORRECT] / max(total[of], 1) for of in (PREDICTED, GOLD)]
            hits, joined = np.sum([cell[way]["joined"] for cell in group], axis=0)
            rates += [hits / max(joined, 1), mean(cell[way]["illegal"] for cell in group)]
            scores = [cell[way]["f"] for cell in group]
            numbers = [f"{100 * number:.1f}" for number in (mean(scores), *rates)]
            each = " ".join(f"{100 * score:.1f}" for score in scores)
            ahead = lead(pooled(outside, "ours"), counts) if outside else "–"
            lines.append([corpus, spelling, way, each, *numbers, ahead])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def pooled(cells: Sequence[Cell], way: str) -> Counts:
    """Return the counts of the sentences, added up over the seeds."""
    counts: Counts = np.stack([counts_of(cell[way]["counts"]) for cell in cells]).sum(axis=0)
    return counts


def lead(ours: Counts, theirs: Counts) -> str:
    """Return our lead in points of F1 with its interval."""
    points = [f"{100 * value:+.1f}" for value in difference(ours, theirs)]
    return "{} ({} to {})".format(*points)
