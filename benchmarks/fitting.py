"""How fast values grow: exponents, a table of them, and a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Cell = dict[str, Any]

VALUES = {"seconds": "seconds", "mib": "MiB above those before", "passes": "passes a sentence"}
"""What a cell holds besides its axis and point."""


def exponent(points: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the least-squares line through the logarithms: 1 where values grow in
    proportion."""
    return float(np.polyfit(np.log(points), np.log(values), 1)[0])


def line(points: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """The constant and the slope of the line whose relative errors have the least squares."""
    slope, constant = np.polyfit(points, values, 1, w=1 / np.array(values))
    return float(constant), float(slope)


def by_axis(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """The cells of each axis that has at least two, by their points."""
    axes: dict[str, list[Cell]] = {}
    for cell in cells:
        axes.setdefault(cell["axis"], []).append(cell)
    return {
        axis: sorted(found, key=lambda cell: float(cell["point"]))
        for axis, found in axes.items()
        if found[1:]
    }


def table(cells: Iterable[Cell]) -> str:
    """A Markdown table of exponents, each over all points and, after a slash, over the last
    three."""
    lines = [["axis", "from", "to", *VALUES.values()], ["---", *["---:"] * (2 + len(VALUES))]]
    for axis, found in by_axis(cells).items():
        points = [cell["point"] for cell in found]
        line = [axis, str(points[0]), str(points[-1])]
        for name in VALUES:
            values = [cell[name] for cell in found]
            line.append(
                f"{exponent(points, values):.2f} / {exponent(points[-3:], values[-3:]):.2f}"
            )
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
