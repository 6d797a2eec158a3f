"""Trained systems on corpora: the metrics of each in a file, and a table for each corpus."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cells import write
from environment import ROOT, output
from trainings import genner

from spacy_genner.evaluation.comparison import compare


def score(
    metrics: Path, name: str, model: Path, data: Path, python: str | Path = sys.executable
) -> None:
    """Write the metrics of a pipeline to a file for `genner compare`, without the predicted spans,
    which would be most of it.

    Args:
        metrics: The file.
        name: The name of the system.
        model, data: The pipeline and the documents that it is scored on.
        python: The Python that runs the pipeline.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metrics.json")
        genner("evaluate", model, data, "--name", name, "--output", path, python=python)
        found = json.loads(path.read_text(encoding="utf8"))
    del found["predictions"]
    origin = {
        "command": f"python {shlex.join(sys.argv)}",
        "commit": output(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
    }
    write(metrics, json.dumps(origin | found) + "\n")


def tables(folders: Iterable[Path], against: str) -> str:
    """The table of `genner compare` for each folder of metrics, which is named after its corpus."""
    return "\n\n".join(f"{folder.name}\n\n{compare([folder], against)}" for folder in folders)
