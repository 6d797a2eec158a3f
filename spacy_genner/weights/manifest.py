"""The manifest of a folder of downloaded weights, which shows whether the folder is intact."""

from __future__ import annotations

import json
from pathlib import Path

from ..files.checksums import sha256

MANIFEST = "spacy-genner.json"
"""The name of the manifest, which holds the SHA-256 of every other file of the folder."""


class WeightsError(RuntimeError):
    """Raised if weights are corrupt or cannot be fetched. Its message says what to do."""


def seal(folder: Path, source: str, licence: str) -> None:
    """Write the manifest of a folder whose files are complete.

    Args:
        source: The package that the weights come from.
        licence: The SPDX name of the licence of the weights.
    """
    sums = {
        file.relative_to(folder).as_posix(): sha256(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    manifest = {"source": source, "licence": licence, "sha256": sums}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf8")


def verify(folder: Path) -> None:
    """Compare every file of a downloaded folder with its manifest.

    Raises:
        WeightsError: If a file is missing or changed; the message names all of these files.
    """
    try:
        sums = dict(json.loads((folder / MANIFEST).read_text(encoding="utf8"))["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        sums = {MANIFEST: None}
    broken = [
        name
        for name, known in sums.items()
        if not (folder / name).is_file() or sha256(folder / name) != known
    ]
    if broken:
        raise WeightsError(
            f"the weights in {folder} are corrupt ({', '.join(broken)} missing or changed): "
            f"run `python -m spacy genner download {folder.name} --force`"
        )
