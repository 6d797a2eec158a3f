"""The benchmark on a GPU, in small on a CPU: every section has results."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
EXPECTED: dict[str, dict[str, set[str]]] = {
    "equality": {"tests/models/test_devices.py": {"passed", "failed", "skipped"}},
    "decoding": {
        f"tiny, batch {batch}, {system}": {"sentences/s", "passes", "GPU waits", "MiB"}
        for batch, system in (
            (2, "speculative"),
            (2, "floor"),
            (1, "speculative"),
            (1, "generate"),
            (1, "floor"),
        )
    },
    "training": {
        f"tiny, {name}": {"s / step", "MiB", "rise"} for name in ("plain", "gradient checkpointing")
    },
    "memory": {"tiny, float32": {"equal answers", "at last"}},
    "passes": {"tiny": {"a, ms", "b, µs", "_PASS = a / b, ids"}},
}


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=600
    )


def test_every_section_has_results(tmp_path: Path) -> None:
    result = run("--output", str(tmp_path), "--tiny", "--minutes", "60")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "gpu.json").read_text(encoding="utf8"))
    assert content["environment"]["float32 products"] == "highest"
    found: dict[str, dict[str, Any]] = {
        section["name"]: {cell["cell"]: cell for cell in section["cells"]}
        for section in content["sections"]
    }
    assert list(found) == list(EXPECTED)
    assert not [cell for cells in found.values() for cell in cells.values() if "error" in cell]
    for name, cells in EXPECTED.items():
        assert cells.keys() <= found[name].keys()
        assert all(fields <= found[name][cell].keys() for cell, fields in cells.items())
    assert all(section["left out"] == [] for section in content["sections"])
    assert not any(cell["failed"] for cell in found["equality"].values())
    assert {cell["GPU waits"] for cell in found["decoding"].values()} == {None}
    scarce = found["memory"]["tiny, float32"]
    assert (
        scarce["equal answers"] == scarce["sentences"]
        and scarce["at last"] < scarce["budget at first"]
    )
    assert (tmp_path / "gpu.md").read_text(encoding="utf8") in result.stdout


def test_an_unknown_shape_is_refused(tmp_path: Path) -> None:
    result = run("--output", str(tmp_path), "--shape", "1b,8b")
    assert result.returncode == 2 and "choose from 135m, 1b, 8b, tiny" in " ".join(
        result.stderr.split()
    )
