"""The metrics files of several systems, each with the files of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import srsly

from ..text import visible
from ..types import Entity
from .metrics import SAME_TYPE
from .significance import Counts, counts_per_document

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
    """What is shown of one metrics file.

    Attributes:
        name: The name of the system.
        values: The value of each column of `RATES` and `COSTS`; None if it is not known.
        digest: The digest of the documents; empty if an older version wrote the file.
        counts: The counts of each document, of shape (documents, 3).
        types: The F1 of each label.
        errors: The number of spans of each of `errors.KINDS`; empty if an older version wrote the
            file, as are the predictions.
        predictions: The predicted spans of each document, in characters.
    """

    name: str
    values: dict[str, float | None]
    digest: str
    counts: Counts
    types: dict[str, float | None]
    errors: dict[str, float]
    predictions: list[frozenset[Entity]]


@dataclass(frozen=True, slots=True)
class System:
    """The runs of one system on the same documents."""

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
        return _mean(run.values[column] for run in self.runs)

    def f_of(self, label: str) -> float | None:
        """Return the mean F1 of a label over the runs; None if it is not known."""
        return _mean(run.types.get(label) for run in self.runs)

    def errors_of(self, kind: str) -> float | None:
        """Return the mean number of errors of a kind over the runs; None if it is not known."""
        return _mean(run.errors.get(kind) for run in self.runs)


def read_systems(paths: Iterable[Path]) -> list[System]:
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
        errors = metrics.get("errors", {"total": {}})
        run = Run(
            name=visible(str(metrics.get("name", path.stem))),
            values=values,
            digest=str(stored["digest"]),
            counts=counts,
            types={label: _number(rates["f"]) for label, rates in metrics.get("types", {}).items()},
            errors={kind: float(number) for kind, number in errors["total"].items()},
            predictions=[_entities(spans) for spans in metrics.get("predictions", [])],
        )
        if run.predictions and len(run.predictions) != len(counts):
            raise ValueError(f"{len(run.predictions)} predictions for {len(counts)} documents")
        return run, "name" in metrics
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: there are no metrics in it ({error!r}): give files that `genner evaluate "
            "--output` wrote"
        ) from error


def _entities(spans: Iterable[tuple[int, int, str]]) -> frozenset[Entity]:
    return frozenset(Entity(int(start), int(end), str(label)) for start, end, label in spans)


def _rate(metrics: dict[str, Any], keys: Sequence[str]) -> Any:
    value: Any = metrics
    for key in keys:
        # Older versions did not know SAME_TYPE, and without training data no name is unseen.
        optional = key in (SAME_TYPE, "unseen")
        value = value.get(key, {"r": None, "f": None}) if optional else value[key]
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are known; None if there are none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
