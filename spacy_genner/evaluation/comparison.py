"""The metrics of several systems as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import srsly

from ..text import visible
from .metrics import SAME_TYPE, percent
from .significance import RESAMPLES, Counts, counts_per_document, difference

RATES = {
    "P": ("total", "p"),
    "R": ("total", "r"),
    "F1": ("total", "f"),
    "flat F1": ("nesting", "flat", "f"),
    "nested F1": ("nesting", "nested", "f"),
    "same-type nested F1": ("nesting", SAME_TYPE, "f"),
    "unseen R": ("names", "unseen", "r"),
}
"""The columns of rates, and the keys under which each is found in the metrics."""
COSTS = {
    "training": "training_seconds",
    "words/s": "words_per_second",
    "memory": "peak_memory_mib",
}
"""The columns of costs, and the key of each in the metrics."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the table shows of one metrics file.

    Attributes:
        name: The name of the system.
        values: The value of each column of `RATES` and `COSTS`; None if it is not known.
        digest: The digest of the documents; empty if an older version wrote the file.
        counts: The counts of each document, of shape (documents, 3).
    """

    name: str
    values: dict[str, float | None]
    digest: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class System:
    """A row of the table: the runs of one system on the same documents."""

    runs: list[Run]

    @property
    def name(self) -> str:
        """The name that all its runs have."""
        return self.runs[0].name

    @property
    def digest(self) -> str:
        """The digest of the documents of all its runs."""
        return self.runs[0].digest

    @property
    def counts(self) -> Counts:
        """The counts of each document, added up over the runs."""
        total: Counts = np.sum([run.counts for run in self.runs], axis=0)
        return total

    def known(self, column: str) -> list[float]:
        """Return the values of a column in those runs where it is known."""
        values = (run.values[column] for run in self.runs)
        return [value for value in values if value is not None]

    def mean(self, column: str) -> float | None:
        """Return the mean of a column over the runs; None if it is not known."""
        values = self.known(column)
        return fmean(values) if values else None


def compare(paths: Sequence[Path], against: str = "") -> str:
    """Return a Markdown table with a row for each system, and notes on it.

    Files with the same "name" and the same documents are runs of one system, such as with several
    seeds: the row has their means, and the standard deviation of F1. Its difference in F1 to the
    reference is that of the counts of all runs, by the paired bootstrap of `difference`. A missing
    value is a dash.

    Args:
        paths: Metrics files, or folders of them.
        against: The name of the system that the others are compared with; by default the first.

    Raises:
        ValueError: If a file does not hold metrics of `genner evaluate`.
        ValueError: If a folder has no .json file.
        ValueError: If no system has the name `against`.
    """
    systems = _systems(paths)
    names = list(dict.fromkeys(system.name for system in systems))
    against = against or names[0]
    if against not in names:
        raise ValueError(f"--against {against!r}: choose one of the systems: {', '.join(names)}")
    candidates = [system for system in systems if system.name == against and system.digest]
    references = {system.digest: system for system in reversed(candidates)}
    header = ["system", "runs", *RATES, "difference", "p", *COSTS]
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    lines += [_row(system, references.get(system.digest)) for system in systems]
    notes = _notes(systems, against, references.keys())
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *notes])


def _systems(paths: Iterable[Path]) -> list[System]:
    """Read the metrics files, each once even if its folder is given as well."""
    systems: dict[tuple[str, str], System] = {}
    for path in dict.fromkeys(chain.from_iterable(map(_files, paths))):
        run, named = _read(path)
        key = (run.name, run.digest) if named and run.digest else (str(path), "")
        systems.setdefault(key, System([])).runs.append(run)
    return list(systems.values())


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ValueError(
            f"{path}: there is no .json file: give a folder that `genner evaluate --output` wrote "
            "into"
        )
    return files


def _read(path: Path) -> tuple[Run, bool]:
    """Read a metrics file; also return whether the system was given a name."""
    try:
        metrics = srsly.read_json(path)
        values = {column: _number(_rate(metrics, keys)) for column, keys in RATES.items()}
        values |= {column: _number(metrics.get(key)) for column, key in COSTS.items()}
        stored = metrics.get("per_document") or {"digest": ""}
        counts = counts_per_document(stored) if stored["digest"] else np.zeros((0, 3), np.int64)
        name = visible(str(metrics.get("name", path.stem)))
        return Run(name, values, str(stored["digest"]), counts), "name" in metrics
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: there are no metrics in it ({error!r}): give files that `genner evaluate "
            "--output` wrote"
        ) from error


def _rate(metrics: dict[str, Any], keys: Sequence[str]) -> Any:
    value: Any = metrics
    for key in keys:
        # Older versions did not know SAME_TYPE, and without training data no name is unseen.
        optional = key in (SAME_TYPE, "unseen")
        value = value.get(key, {"r": None, "f": None}) if optional else value[key]
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _row(system: System, reference: System | None) -> list[str]:
    rates = {column: percent(system.mean(column)) for column in RATES}
    if len(scores := system.known("F1")) > 1:
        rates["F1"] += f" ± {percent(stdev(scores))}"
    seconds, speed, memory = map(system.mean, COSTS)
    return [
        system.name.replace("|", "\\|"),
        str(len(system.runs)),
        *rates.values(),
        *_difference(system, reference),
        "–" if seconds is None else f"{seconds / 60:.1f} min",
        "–" if speed is None else f"{speed:,.0f}",
        "–" if memory is None else f"{memory:,.0f} MiB",
    ]


def _difference(system: System, reference: System | None) -> tuple[str, str]:
    """Return the difference in F1 with its interval, and its p-value."""
    if reference is None:
        return "–", "–"
    if reference is system:
        return "reference", "–"
    found = difference(system.counts, reference.counts)
    points, low, high = (f"{100 * value:+.1f}" for value in (found.f, *found.ci))
    p = "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"
    return f"{points} ({low} to {high})", p


def _notes(systems: Sequence[System], against: str, digests: Iterable[str]) -> list[str]:
    """Return lines to print below the table: how it was computed, and why values are missing."""
    notes = list[str]()
    if any(len(system.runs) > 1 for system in systems):
        notes.append("Systems of several runs: the means, and the standard deviation of F1.")
    if len(systems) > 1:
        notes.append(
            f"Difference: in points of F1 to {against}, with the 95 % interval and the two-sided p "
            f"of a paired bootstrap over documents ({RESAMPLES:,} resamples)."
        )
        old = [one.name for one in systems if not one.digest]
        other = [one.name for one in systems if one.digest and one.digest not in digests]
        if old:
            notes.append(
                f"No difference for {', '.join(old)}: the metrics are of an older version, without "
                "the counts of each document."
            )
        if other:
            notes.append(
                f"No difference for {', '.join(other)}: {against} has no metrics with counts on "
                "the same documents."
            )
    return ["", *notes] if notes else []
