"""What trained systems find in corpora, and a table of it, with all seeds of a system in a row."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from cells import Cell
from environment import ROOT, output
from paired import counts_of
from trainings import genner

from spacy_genner.evaluation.metrics import SAME_TYPE
from spacy_genner.evaluation.significance import Counts, difference

_PARTS = ("flat", "nested", SAME_TYPE)


def scored(model: Path, data: Path, python: str | Path = sys.executable) -> Cell:
    """What `genner evaluate` says of a pipeline, as far as a table needs it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metrics.json")
        genner("evaluate", model, data, "--output", path, python=python)
        metrics = json.loads(path.read_text(encoding="utf8"))
    return figures(metrics) | {"commit": output(["git", "-C", str(ROOT), "describe", "--always"])}


def figures(metrics: Mapping[str, Any]) -> Cell:
    """The figures of a metrics file; the counts of its documents as `counts_of` reads them."""
    stored = metrics["per_document"]
    counts = zip(*(stored[name] for name in ("predicted", "correct", "gold")), strict=True)
    names = ("training_seconds", "words_per_second", "peak_memory_mib")
    return {
        **{name: metrics["total"][name] for name in ("f", "p", "r")},
        "parts": {part: found["f"] for part, found in metrics["nesting"].items() if found["gold"]},
        **{name: metrics[name] for name in names},
        "counts": " ".join("/".join(map(str, document)) for document in counts),
    }


def table(cells: Sequence[Cell], reference: str) -> str:
    """A Markdown table with a row for each system on each corpus.

    Args:
        reference: The system that the others are compared with, on the seeds that both have.
    """
    header = ["corpus", "system", "seeds", "F1", "P", "R", *(f"F1 {part}" for part in _PARTS)]
    rows = [[*header, f"minus {reference}", "p", "minutes of training", "words/s"]]
    rows.append(["---", "---", *["---:"] * 11])
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell["corpus"], cell["system"]), []).append(cell)
    for (corpus, system), group in groups.items():
        scores = [_spread([cell[name] for cell in group]) for name in ("f", "p", "r")]
        parts = [
            _spread([cell["parts"][part] for cell in group if part in cell["parts"]])
            for part in _PARTS
        ]
        lead = _lead(group, groups.get((corpus, reference), []))
        minutes = f"{mean(cell['training_seconds'] for cell in group) / 60:.0f}"
        speed = f"{mean(cell['words_per_second'] for cell in group):,.0f}"
        rows.append([corpus, system, str(len(group)), *scores, *parts, *lead, minutes, speed])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _spread(values: Sequence[float]) -> str:
    """The mean of fractions in percent, with their standard deviation if there are several."""
    if not values:
        return "–"
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.1f}{deviation}"


def _lead(ours: Sequence[Cell], theirs: Sequence[Cell]) -> list[str]:
    """By how much F1 is greater, with its interval, and the p-value; from the seeds of both."""
    seeds = {cell["seed"] for cell in ours} & {cell["seed"] for cell in theirs}
    if not seeds or ours[0]["system"] == theirs[0]["system"]:
        return ["–", "–"]
    found = difference(_counts(ours, seeds), _counts(theirs, seeds))
    low, high = found.ci
    return [f"{100 * found.f:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})", f"{found.p:.3f}"]


def _counts(cells: Sequence[Cell], seeds: Set[int]) -> Counts:
    """The counts of each document, added up over the seeds."""
    counts = [counts_of(cell["counts"]) for cell in cells if cell["seed"] in seeds]
    total: Counts = np.sum(counts, axis=0)
    return total
