"""Results as they come: a JSON file and the same as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cells import Cell, write


class Report:
    """The files of a folder, written anew with each result; a kill leaves those of before.

    Args:
        environment: Where the results come from.
    """

    def __init__(self, folder: Path, environment: Mapping[str, Any]) -> None:
        self._folder = folder
        self._content: dict[str, Any] = {"environment": environment, "sections": []}

    def begin(self, name: str, about: str) -> None:
        """Begin a section."""
        self._content["sections"].append({"name": name, "about": about, "cells": []})
        self._save()

    def tell(self, name: str, cell: Cell) -> None:
        """Add the result of a cell to the section."""
        self._content["sections"][-1]["cells"].append({"cell": name, **cell})
        self._save()

    def end(self, seconds: float, left_out: Sequence[str]) -> None:
        """Add what the section took, and the cells for which there was no time."""
        self._content["sections"][-1] |= {"seconds": seconds, "left out": left_out}
        self._save()

    def _save(self) -> None:
        write(self._folder / "gpu.json", json.dumps(self._content, indent=1, ensure_ascii=False))
        write(self._folder / "gpu.md", markdown(self._content))


def markdown(content: Mapping[str, Any]) -> str:
    """A list of where results come from, and a table for each section."""
    parts = [
        "# On a GPU",
        "\n".join(f"- {name}: {_shown(value)}" for name, value in content["environment"].items()),
    ]
    for section in content["sections"]:
        parts += [f"## {section['name'].capitalize()}", section["about"]]
        parts += [table(section["cells"])] if section["cells"] else []
        if "seconds" in section:
            left_out = "; ".join(section["left out"]) or "nothing"
            parts.append(f"It took {section['seconds']:.0f} s. No time was left for: {left_out}.")
    return "\n\n".join(parts) + "\n"


def table(cells: Sequence[Cell]) -> str:
    """A row for each cell, a column for each name that one of them has; lists are left to the JSON
    file."""
    names = list(
        dict.fromkeys(name for cell in cells for name in cell if not isinstance(cell[name], list))
    )
    lines = [names, ["---", *["---:"] * (len(names) - 1)]]
    lines += [[_shown(cell.get(name)) for name in names] for cell in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return (
        f"{value:,}" if isinstance(value, int) else " ".join(str(value).split()).replace("|", "\\|")
    )
