"""Metrics files of benchmarks are those that `genner compare` reads, with where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import scored

RATES = {"f": 0.5, "p": 0.6, "r": 0.4}
METRICS: dict[str, Any] = {
    "total": RATES,
    "nesting": {"flat": RATES, "nested": RATES, "nested, same type": RATES},
    "names": {},
    "training_seconds": 90.0,
    "words_per_second": 1234.5,
    "peak_memory_mib": 900.0,
    "predictions": [[[0, 4, "ORG"]], []],
}


def test_systems_become_a_table_for_each_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct = {"good": [2, 1], "bad": [0, 0]}

    def genner(*arguments: str | Path, python: str) -> None:
        command, _, _, _, name, _, path = arguments
        assert command == "evaluate" and python == "other-python"
        counts = {"predicted": [2, 1], "correct": correct[str(name)], "gold": [3, 1]}
        stored = METRICS | {"name": name, "per_document": {"digest": "x", **counts}}
        Path(path).write_text(json.dumps(stored), encoding="utf8")

    monkeypatch.setattr(scored, "genner", genner)
    folder = tmp_path / "genia"
    for run, name in (("good-0", "good"), ("good-1", "good"), ("bad-0", "bad")):
        scored.score(folder / f"{run}.json", name, tmp_path, tmp_path, "other-python")
    found = json.loads((folder / "bad-0.json").read_text(encoding="utf8"))
    assert found["command"].startswith("python ") and "commit" in found
    assert "predictions" not in found
    title, _, _, _, bad, good, *_ = scored.tables([folder], "bad").splitlines()
    assert title == "genia"
    assert bad.startswith("| bad | 1 |") and "reference" in bad
    assert good.startswith("| good | 2 |") and "+85.7" in good
