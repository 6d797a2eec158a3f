"""Corpora of whole documents, converted once."""

from __future__ import annotations

from pathlib import Path

from trainings import genner

CORPORA = ("tasteset", "re3d", "mspt", "litbank")
"""Those of the known corpora (`spacy_genner/corpora/known.py`) that consist of whole documents."""


def converted(name: str, part: str, corpora: Path, work: Path) -> Path:
    """Convert a part of a known corpus, unless an earlier run has done so, and return the file."""
    path = work / "documents" / name / f"{part}.spacy"
    if not path.exists():
        genner("convert", corpora / name, path, "--corpus", name, "--part", part)
    return path
