"""The counts of each sentence as text, and a table of their F1 with paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from statistics import mean

import numpy as np
from cells import Cell

from spacy_genner.evaluation.metrics import CORRECT, GOLD, PREDICTED
from spacy_genner.evaluation.significance import Counts, difference
from spacy_genner.types import Entity


def counted(found: Iterable[Set[Entity]], gold: Iterable[Set[Entity]]) -> str:
    """Return the counts of sentences in one line, such as "2/1/3 0/0/1"."""
    pairs = zip(found, gold, strict=True)
    return " ".join(f"{len(found)}/{len(found & gold)}/{len(gold)}" for found, gold in pairs)


def counts_of(line: str) -> Counts:
    """Return the counts that `counted` wrote, of shape (sentences, 3)."""
    return np.array([sentence.split("/") for sentence in line.split()], dtype=np.int64)


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
    found = difference(ours, theirs)
    points = [f"{100 * value:+.1f}" for value in (found.f, *found.ci)]
    return "{} ({} to {})".format(*points)
