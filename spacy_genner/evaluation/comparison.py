"""The metrics of several systems as one Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly

from ..text import visible
from .metrics import percent

COLUMNS = {
    "P": ("total", "p"),
    "R": ("total", "r"),
    "F1": ("total", "f"),
    "flat F1": ("nesting", "flat", "f"),
    "nested F1": ("nesting", "nested", "f"),
    "unseen R": ("names", "unseen", "r"),
}
"""The keys under which each rate of the table is found in the metrics."""


def compare(paths: Sequence[Path]) -> str:
    """Return a Markdown table with a row for each metrics file, and a dash for a missing value.

    Args:
        paths: Metrics files, or folders of them.

    Raises:
        ValueError: If a file does not hold metrics of `genner evaluate`.
        ValueError: If a folder has no .json file.
    """
    header = ["system", *COLUMNS, "training", "docs/s"]
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    for path in paths:
        lines += map(_row, _files(path))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ValueError(
            f"{path}: there is no .json file: give a folder that `genner evaluate --output` wrote "
            "into"
        )
    return files


def _row(path: Path) -> list[str]:
    try:
        metrics = srsly.read_json(path)
        return [
            visible(str(metrics.get("name", path.stem))).replace("|", "\\|"),
            *(percent(_rate(metrics, keys)) for keys in COLUMNS.values()),
            _duration(metrics.get("training_seconds")),
            f"{metrics['docs_per_second']:.1f}",
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: there are no metrics in it ({error!r}): give files that `genner evaluate "
            "--output` wrote"
        ) from error


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f} min"


def _rate(metrics: dict[str, Any], keys: Sequence[str]) -> float | None:
    value: Any = metrics
    for key in keys:
        # Without training data there are no seen and unseen names.
        value = value[key] if key != "unseen" else value.get(key, {"r": None})
    rate: float | None = value
    return rate
