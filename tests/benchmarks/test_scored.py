"""The table of trained systems: means over seeds, and paired differences on the seeds of both."""

from __future__ import annotations

from typing import Any

import pytest
import scored

METRICS: dict[str, Any] = {
    "total": {"f": 0.5, "p": 0.6, "r": 0.4, "gold": 4},
    "nesting": {
        "flat": {"f": 0.5, "gold": 4},
        "nested": {"f": 0.0, "gold": 0},
        "nested, same type": {"f": 0.0, "gold": 0},
    },
    "training_seconds": 90.0,
    "words_per_second": 1234.5,
    "peak_memory_mib": 900.0,
    "per_document": {"digest": "x", "predicted": [2, 0], "correct": [1, 0], "gold": [3, 1]},
}


def cell(system: str, seed: int, f: float, counts: str) -> dict[str, Any]:
    its = {"f": f, "counts": counts}
    return scored.figures(METRICS) | {"corpus": "genia", "system": system, "seed": seed} | its


def test_figures_are_what_a_table_needs() -> None:
    found = scored.figures(METRICS)
    assert found["counts"] == "2/1/3 0/0/1"
    assert found["parts"] == {"flat": 0.5}, "no score where nothing is gold"


def test_a_row_has_all_seeds_of_a_system() -> None:
    good, bad = "2/2/2 2/2/2 2/2/2", "2/0/2 2/1/2 2/1/2"
    cells = [cell("a", 0, 0.5, bad), cell("a", 1, 0.7, bad), cell("b", 0, 0.9, good)]
    head, _, first, second = scored.table(cells, "a").splitlines()
    columns = [column.strip() for column in head.strip("|").split("|")]
    rows = [
        dict(zip(columns, (value.strip() for value in row.strip("|").split("|")), strict=True))
        for row in (first, second)
    ]
    assert [row["system"] for row in rows] == ["a", "b"]
    assert [row["F1"] for row in rows] == ["60.0 ± 14.1", "90.0"]
    assert [row["seeds"] for row in rows] == ["2", "1"]
    assert [row["minus a"].split()[0] for row in rows] == ["–", "+66.7"], "seed 0 only"
    assert float(rows[1]["p"]) == pytest.approx(0, abs=0.05)
    assert rows[0]["F1 nested"] == "–" and rows[0]["words/s"] == "1,234"
