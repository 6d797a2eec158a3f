"""Inputs and runs for the tests of folders of parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_genner.annotating.inputs import Inputs
from spacy_genner.annotating.run import Run, Summary
from spacy_genner.annotating.workers import Workers
from tests.annotating.pipelines import rules


def write_texts(path: Path, texts: list[Any]) -> Path:
    """A file of JSON lines with these texts."""
    lines = [json.dumps({"id": i, "text": text}) for i, text in enumerate(texts)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def run_of(folder: Path, load: Callable[[], Language] = rules, **settings: Any) -> Run:
    """A run in parts of two, on a pipeline that is saved beside its folder."""
    model = folder.parent / "model"
    if not model.exists():
        rules().to_disk(model)
    return Run(str(model), load, folder, **{"part_size": 2, **settings})


def annotated(path: Path, folder: Path, **settings: Any) -> Summary:
    """What came of a run."""
    return run_of(folder, **settings)(Inputs.of(path))


def processes(count: int) -> Any:
    """What makes several processes."""
    return partial(Workers, devices=[None] * count)


def dying(folder: Path, deaths: int) -> Callable[[], Language]:
    """A function that loads a pipeline that kills its process so many times."""
    marks = folder.parent / "marks"
    marks.mkdir()
    return partial(rules, marks, deaths)


def parts(folder: Path) -> dict[str, bytes]:
    """The files of parts and of failures."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.name.startswith(("part-", "_failed-"))
    }


def ids(folder: Path, name: str = "part") -> list[Any]:
    """The identifiers in all parts, or in all failures."""
    files = sorted(folder.glob(f"{name}-*.jsonl"))
    return [json.loads(line)["id"] for path in files for line in path.read_text().splitlines()]
