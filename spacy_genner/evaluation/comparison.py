"""The metrics of several systems as one Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly

from ..text import visible

COLUMNS = {
    "P": ("total", "p"),
    "R": ("total", "r"),
    "F1": ("total", "f"),
    "flat F1": ("nesting", "flat", "f"),
    "nested F1": ("nesting", "nested", "f"),
    "unseen R": ("names", "unseen", "r"),
}
"""Where each rate of the table stands in the metrics."""


def compare(paths: Sequence[Path]) -> str:
    """A Markdown table with a row for each metrics file; a dash where a file lacks a value.

    Args:
        paths: Files, or folders of them.

    Raises:
        ValueError: For a file that holds no metrics of `genner evaluate`, or a folder without a
            file.
    """
    header = ["system", *COLUMNS, "training", "docs/s"]
    files = [file for path in paths for file in _files(path)]
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *map(_row, files)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ValueError(
            f"{path}: no .json file is there: give a folder that `genner evaluate --output` wrote "
            "into"
        )
    return files


def _row(path: Path) -> list[str]:
    try:
        metrics = srsly.read_json(path)
        rates = [_rate(metrics, keys) for keys in COLUMNS.values()]
        name = visible(str(metrics.get("name", path.stem))).replace("|", "\\|")
        return [
            name,
            *rates,
            _duration(metrics.get("training_seconds")),
            f"{metrics['docs_per_second']:.1f}",
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: no metrics ({error!r}): give files that `genner evaluate --output` wrote"
        ) from error


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f} min"


def _rate(metrics: dict[str, Any], keys: Sequence[str]) -> str:
    value: Any = metrics
    for key in keys:
        value = value[key] if key != "unseen" else value.get(key, {"r": None})
    return "–" if value is None else f"{100 * value:.1f}"
