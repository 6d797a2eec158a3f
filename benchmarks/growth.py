"""How time and memory grow with the length of sentences, their number at once, the labels, the
depth, the documents.

python benchmarks/growth.py

The model is tiny and random, so that all work besides its own shows. It computes what a trained one
would, but its
choices are scripted: every fifth word is an entity, nested as deep as may be.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import torch
import typer
from cells import Cell, Cells
from fitting import VALUES, by_axis, exponent, table
from memory import tiny_pipeline
from peak import Peak
from spacy.tokens import Doc
from systems.base import CountingSteps

from spacy_genner.decoding.interfaces import Engine, Job
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.lm.steps import Steps
from spacy_genner.pipeline.docs import Reading
from spacy_genner.types import Trace

ENTITY, OTHER = "Essex", "word"
USUAL = {"words": 30, "sentences": 8, "labels": 16, "depth": 1}
AXES = {
    "words": [10, 20, 50, 100, 200, 500, 1000],
    "sentences": [1, 4, 16, 64, 256],
    "labels": [4, 16, 50, 150, 500],
    "depth": [1, 2, 4, 8, 16],
    "documents": [100, 1_000, 10_000, 100_000],
}
"""The points of each axis. Sentences are one batch; documents go through `nlp.pipe`."""


class Scripted(CountingSteps):
    """A step model whose choices are made by a rule, after it has done its own work."""

    def __init__(self, steps: Steps, choose: Callable[[Sequence[int]], int]) -> None:
        super().__init__(steps)
        self._choose = choose

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Certainty of what the rule says."""
        result = torch.full_like(self._steps.log_probs(hidden, choices), float("-inf"))
        result[range(len(choices)), [self._choose(ids) for ids in choices]] = 0.0
        return result


class Tiny:
    """The pipeline with scripted choices.

    Attributes:
        sentences, rows: How many it has decoded, and how many rows of passes that took.
    """

    def __init__(self, folder: str) -> None:
        self.sentences = self.rows = 0
        self._nlp: Any = tiny_pipeline(folder)
        self._pipe = self._nlp.get_pipe("generative_ner")
        self._decoder = SpeculativeDecoder()
        self._pipe.model.attrs["decoder"] = self._decode
        encode = self._pipe.model.shims[0].lm.pieces.encode
        self._opens, self._entities = (
            {encode(s + text)[0] for s in ("", " ")} for text in ("[", ENTITY)
        )
        self._close = encode(" |")[0]

    def work(self, axis: str, point: int) -> Callable[[], object]:
        """What there is to do, once, at a point of an axis; the rest is as usual."""
        size = USUAL | {axis: point}
        self._pipe.model.attrs["format"] = InlineBracketed(max_depth=size["depth"])
        self._pipe.set_labels([f"L{n}" for n in range(size["labels"])])
        self._decoder = SpeculativeDecoder(2**30) if axis == "sentences" else SpeculativeDecoder()
        words = [OTHER if n % 5 else ENTITY for n in range(size["words"])]
        if axis == "documents":
            docs = (Doc(self._nlp.vocab, words) for _ in range(point))
            return lambda: deque(self._nlp.pipe(docs), maxlen=0)
        source = Reading()(Doc(self._nlp.vocab, words)).source
        return lambda: self._pipe.model.predict([source] * size["sentences"])

    def _decode(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        steps = Scripted(self._pipe.model.shims[0].local.steps, self._choose)
        traces = self._decoder(SessionEngine(steps), jobs)
        self.sentences += len(jobs)
        self.rows += steps.reading.rows
        return traces

    def _choose(self, ids: Sequence[int]) -> int:
        if self._close in ids:
            return ids.index(self._close)
        return (
            next((n for n, id in enumerate(ids) if id in self._opens), 0)
            if ids[0] in self._entities
            else 0
        )


def measure(tiny: Tiny, axis: str, point: int, repeats: int) -> Cell:
    """The median time; how far the peak of memory is above what was held before, at least 1 MiB;
    passes a sentence.
    Documents are read once only: they are many."""
    tiny.work(axis, AXES[axis][0])()
    work = tiny.work(axis, point)
    tiny.sentences = tiny.rows = 0
    with Peak(torch.device("cpu")) as peak:
        seconds = [_seconds(work)]
    passes = tiny.rows / tiny.sentences
    if axis != "documents":
        seconds = [_seconds(work) for _ in range(repeats)]
    return {
        "seconds": statistics.median(seconds),
        "mib": max(1.0, peak.mib - peak.before),
        "passes": passes,
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def draw(cells: Sequence[Cell], path: Path) -> None:
    """A picture for each axis and value, both logarithmic."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes = by_axis(cells)
    figure, grid = pyplot.subplots(
        len(VALUES), len(axes), figsize=(4 * len(axes), 3 * len(VALUES)), squeeze=False
    )
    for column, (axis, found) in enumerate(axes.items()):
        points = [cell["point"] for cell in found]
        for row, (name, title) in enumerate(VALUES.items()):
            values = [cell[name] for cell in found]
            panel = grid[row][column]
            panel.loglog(points, values, "o-")
            panel.set(xlabel=axis, ylabel=title, title=f"exponent {exponent(points, values):.2f}")
            panel.set_xticks(points, labels=[str(point) for point in points])
            panel.set_xticks([], minor=True)
    figure.tight_layout()
    figure.savefig(path)


def main(
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not measured again")
    ] = Path("benchmarks/out/growth.json"),
    axes: Annotated[str, typer.Option(help="Their names, with commas between them")] = ",".join(
        AXES
    ),
    largest: Annotated[int, typer.Option(help="No point beyond this one")] = 100_000,
    repeats: Annotated[
        int, typer.Option(help="How often each point is timed; the median counts")
    ] = 5,
    threads: Annotated[int | None, typer.Option(help="As torch chooses if not given")] = None,
) -> None:
    """Measure all points, print a table of exponents, and draw a picture beside the JSON file."""
    if threads:
        torch.set_num_threads(threads)
    if unknown := set(axes.split(",")) - AXES.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(AXES)}")
    cells, done = Cells(output), list[Cell]()
    with tempfile.TemporaryDirectory() as folder:
        tiny = Tiny(folder)
        for axis in axes.split(","):
            for point in (point for point in AXES[axis] if point <= largest):
                cell = cells.cell(axis=axis, point=point, threads=torch.get_num_threads())
                if "seconds" not in cell:
                    cell |= measure(tiny, axis, point, repeats)
                    cells.save()
                    typer.echo(", ".join(f"{name}: {value}" for name, value in cell.items()))
                done.append(cell)
    typer.echo(table(done))
    draw(done, output.with_suffix(".png"))


if __name__ == "__main__":
    typer.run(main)
