"""What is finished is kept, and found by its key."""

from pathlib import Path

from benchmarks.cells import Cells


def test_a_cell_is_found_again_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out" / "cells.json"
    cells = Cells(path)
    cells.cell(system="ours", batch=1)["seconds"] = [2.0]
    cells.save()
    again = Cells(path)
    assert again.cell(batch=1, system="ours") == {"system": "ours", "batch": 1, "seconds": [2.0]}
    assert len(again.all) == 1
    assert [file.name for file in path.parent.iterdir()] == ["cells.json"]


def test_another_key_is_another_cell(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.json")
    cells.cell(system="ours", batch=1)["seconds"] = [2.0]
    assert "seconds" not in cells.cell(system="ours", batch=8)
    assert "seconds" not in cells.cell(system="ours", batch=1, dtype="float32")
    assert len(cells.all) == 3
