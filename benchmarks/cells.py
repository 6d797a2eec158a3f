"""Results in a JSON file: what is finished is kept, so that a benchmark can be stopped and go
on."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "out"
"""Where results are written unless another file is given."""
Cell = dict[str, Any]


class Cells:
    """The cells of a file, which is read if it is there. Each has a key, a few of its fields, and
    results."""

    def __init__(self, path: Path) -> None:
        self.all: list[Cell] = json.loads(path.read_text(encoding="utf8")) if path.exists() else []
        self._path = path

    def cell(self, **key: Any) -> Cell:
        """The cell with this key, which is made if it is not there. Changes need to be saved."""
        for cell in self.all:
            if all(name in cell and cell[name] == value for name, value in key.items()):
                return cell
        self.all.append(key)
        return key

    def save(self) -> None:
        """Write the file."""
        write(self._path, json.dumps(self.all, indent=1))


def write(path: Path, text: str) -> None:
    """Write a file; a kill leaves the one of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf8")
    fresh.replace(path)
