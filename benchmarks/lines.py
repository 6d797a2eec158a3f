"""Trained systems on corpora: each finished one is a JSON line, and lines become a table."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from environment import ROOT, output
from trainings import genner

from spacy_genner.evaluation.metrics import SAME_TYPE
from spacy_genner.evaluation.significance import Counts, counts_per_document, difference

Line = dict[str, Any]
KEY = ("corpus", "system", "seed")
"""What tells the lines of a file apart."""
_PARTS = ("flat", "nested", SAME_TYPE)


class Lines:
    """The lines of a file, which is read if it is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf8") if path.exists() else ""
        self.all: list[Line] = [json.loads(line) for line in text.splitlines()]

    def find(self, corpus: str, system: str, seed: int) -> Line | None:
        """The line of a finished system; None if it is not finished."""
        key = (corpus, system, seed)
        return next((line for line in self.all if tuple(line[name] for name in KEY) == key), None)

    def add(self, line: Line) -> None:
        """Write a line at the end of the file."""
        self.all.append(line)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def scored(model: Path, data: Path, python: str | Path = sys.executable) -> Line:
    """What `genner evaluate` says of a pipeline, as far as a table needs it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metrics.json")
        genner("evaluate", model, data, "--output", path, python=python)
        metrics = json.loads(path.read_text(encoding="utf8"))
    return figures(metrics) | {"commit": output(["git", "-C", str(ROOT), "describe", "--always"])}


def figures(metrics: Mapping[str, Any]) -> Line:
    """The figures of a metrics file."""
    parts = {part: found["f"] for part, found in metrics["nesting"].items() if found["gold"]}
    names = ("training_seconds", "words_per_second", "peak_memory_mib", "per_document")
    total = {name: metrics["total"][name] for name in ("f", "p", "r")}
    return total | {"parts": parts} | {name: metrics[name] for name in names}


def table(lines: Sequence[Line], reference: str) -> str:
    """A Markdown table with a row for each system on each corpus.

    Args:
        reference: The system that the others are compared with, on the seeds that both have.
    """
    header = ["corpus", "system", "seeds", "F1", "P", "R", *(f"F1 {part}" for part in _PARTS)]
    rows = [[*header, f"minus {reference}", "p", "minutes of training", "words/s"]]
    rows.append(["---", "---", *["---:"] * 11])
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line["corpus"], line["system"]), []).append(line)
    for (corpus, system), group in groups.items():
        scores = [_spread([line[name] for line in group]) for name in ("f", "p", "r")]
        parts = [
            _spread([line["parts"][part] for line in group if part in line["parts"]])
            for part in _PARTS
        ]
        lead = _lead(group, groups.get((corpus, reference), []))
        minutes = f"{mean(line['training_seconds'] for line in group) / 60:.0f}"
        speed = f"{mean(line['words_per_second'] for line in group):,.0f}"
        rows.append([corpus, system, str(len(group)), *scores, *parts, *lead, minutes, speed])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _spread(values: Sequence[float]) -> str:
    """The mean of fractions in percent, with their standard deviation if there are several."""
    if not values:
        return "–"
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.1f}{deviation}"


def _lead(ours: Sequence[Line], theirs: Sequence[Line]) -> list[str]:
    """By how much F1 is greater, with its interval, and the p-value; from the seeds of both."""
    seeds = {line["seed"] for line in ours} & {line["seed"] for line in theirs}
    if not seeds or ours[0]["system"] == theirs[0]["system"]:
        return ["–", "–"]
    both = [[line for line in group if line["seed"] in seeds] for group in (ours, theirs)]
    found = difference(_counts(both[0]), _counts(both[1]))
    low, high = found.ci
    return [f"{100 * found.f:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})", f"{found.p:.3f}"]


def _counts(lines: Sequence[Line]) -> Counts:
    """The counts of each document, added up over the seeds."""
    counts: Counts = np.sum([counts_per_document(line["per_document"]) for line in lines], axis=0)
    return counts
