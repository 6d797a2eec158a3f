"""Both files hold what is known so far, after each result."""

import json
from pathlib import Path
from typing import Any

from benchmarks.report import Report, table


def read(folder: Path) -> tuple[Any, str]:
    assert sorted(path.name for path in folder.iterdir()) == ["gpu.json", "gpu.md"], (
        "nothing half-written"
    )
    return json.loads((folder / "gpu.json").read_text(encoding="utf8")), (
        folder / "gpu.md"
    ).read_text(encoding="utf8")


def test_results_are_written_as_they_come(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "h100"
    report = Report(folder, {"device": "H100", "driver": None})
    report.begin("decoding", "How fast.")
    content, text = read(folder)
    assert content["environment"] == {"device": "H100", "driver": None}
    assert text == "# On a GPU\n\n- device: H100\n- driver: –\n\n## Decoding\n\nHow fast.\n"
    report.tell("1b", {"seconds": 0.25, "points": [1, 2]})
    content, text = read(folder)
    assert content["sections"][0]["cells"] == [{"cell": "1b", "seconds": 0.25, "points": [1, 2]}]
    assert text.endswith("| cell | seconds |\n| --- | ---: |\n| 1b | 0.25 |\n")
    report.end(61.4, ["8b", "135m"])
    report.begin("passes", "What they cost.")
    report.end(0.2, [])
    content, text = read(folder)
    assert [section["name"] for section in content["sections"]] == ["decoding", "passes"]
    assert "It took 61 s. No time was left for: 8b; 135m." in text
    assert text.endswith("It took 0 s. No time was left for: nothing.\n")


def test_cells_with_other_results_share_a_table() -> None:
    cells = [
        {"cell": "a", "n": 12345, "s": 1234.5},
        {"cell": "b", "error": "E: a|b\n c"},
        {"cell": "c", "s": None},
    ]
    assert table(cells).splitlines()[2:] == [
        "| a | 12,345 | 1,234 | – |",
        "| b | – | – | E: a\\|b c |",
        "| c | – | – | – |",
    ]
