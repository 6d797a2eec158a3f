"""The cells of the benchmark of decoding as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

Cell = dict[str, Any]

COUNTS = {"passes": "passes", "rows": "rows × passes", "ids": "ids", "padded": "padded"}
HEADER = [
    "batch",
    "sentences/s",
    "× generate",
    "cost / floor",
    *COUNTS.values(),
    "MiB (rise)",
    "F1",
    "differ",
]


def rate(cell: Cell) -> float:
    """Sentences a second, the median of all runs."""
    return median(_rates(cell))


def ratio(cell: Cell, other: Cell) -> float:
    """By how much a cell is faster than another one: the median over the parts that both have
    worked on."""
    return median(ours / theirs for ours, theirs in zip(_rates(cell), _rates(other), strict=False))


def _rates(cell: Cell) -> list[float]:
    return [run["sentences"] / run["seconds"] for run in cell["runs"]]


def table(cells: Sequence[Cell]) -> str:
    """Each system at batch 1 and at its best batch, beside `generate` and the floor at batch 1 and
    at theirs."""
    measured = [cell for cell in cells if cell.get("runs")]
    lines = [["system", *HEADER], ["---", *["---:"] * len(HEADER)]]
    for system in dict.fromkeys(cell["system"] for cell in measured):
        if one := _one(measured, system):
            lines.append(_row(one, "", _one(measured, "generate"), _one(measured, "floor")))
        if best := _best(measured, system):
            lines.append(
                _row(best, " (best)", _best(measured, "generate"), _best(measured, "floor"))
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _one(cells: Sequence[Cell], system: str) -> Cell | None:
    return next((cell for cell in cells if cell["system"] == system and cell["batch"] == 1), None)


def _best(cells: Sequence[Cell], system: str) -> Cell | None:
    return max((cell for cell in cells if cell["system"] == system), key=rate, default=None)


def _row(cell: Cell, note: str, generate: Cell | None, floor: Cell | None) -> list[str]:
    sentences = sum(run["sentences"] for run in cell["runs"])
    sums = {name: sum(run["reading"][name] for run in cell["runs"]) for name in COUNTS}
    counts = [f"{count / sentences:.2f}" if sums["passes"] else "–" for count in sums.values()]
    return [
        cell["system"],
        f"{cell['batch']}{note}",
        f"{rate(cell):.2f}",
        f"{ratio(cell, generate):.1f}" if generate else "–",
        f"{ratio(floor, cell):.2f}" if floor else "–",
        *counts,
        f"{cell['mib']:.0f} ({cell['rise']:.0f})",
        "–" if cell["f"] is None else f"{100 * cell['f']:.1f}",
        _differing(cell),
    ]


def _differing(cell: Cell) -> str:
    """How many sentences differ from our greedy decoder, and between which margins it chose
    there."""
    if cell["differing"] is None:
        return "–"
    margins = [margin for margin in cell["differing"].values() if margin is not None]
    between = f" ({min(margins):.1e} to {max(margins):.1e})" if margins else ""
    return f"{len(cell['differing'])}{between}"
