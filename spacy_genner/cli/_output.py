"""What several commands do with the files that they write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..files.writing import replacing


def make_folders(*files: Path | None) -> None:
    """Create the folders of files that a command will write, so that it fails before its work.

    Args:
        files: The paths; None for a file that the user did not ask for.

    Raises:
        OSError: If a folder cannot be created.
    """
    for file in files:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file with indentation.

    Raises:
        OSError: If the file cannot be written.
    """
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")
