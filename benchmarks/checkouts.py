"""Two checkouts of the package: how fast they decode, and whether they find the same.

git worktree add /tmp/before COMMIT
python benchmarks/checkouts.py compare /tmp/before training/genia/model-best corpus/genia/test.spacy

Processes take turns, one for each repetition and checkout, and the ratio is that of the medians.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import spacy
import typer
from cells import RESULTS, Cell, Cells
from spacy.tokens import DocBin

HERE = Path(__file__).resolve()
COMPONENT = "generative_ner"
WARM_UP = 8

app = typer.Typer(add_completion=False)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The other checkout.")],
    model: Annotated[Path, typer.Argument(help="A pipeline that both can load.")],
    test: Annotated[Path, typer.Argument(help="Documents, .spacy.")],
    limit: Annotated[int, typer.Option(help="Documents.")] = 60,
    repeats: Annotated[int, typer.Option(help="Processes for each checkout.")] = 5,
    dtype: Annotated[str, typer.Option(help="That of the language model.")] = "bfloat16",
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "checkouts.json",
) -> None:
    """Decode the same documents in both checkouts, and print what came of it."""
    checkouts = {"before": before.resolve(), "after": HERE.parents[1]}
    runs: dict[str, list[Cell]] = {name: [] for name in checkouts}
    for number in range(repeats):
        # The other one begins each time, so that a machine that gets warm is fair to both.
        for name in list(checkouts)[:: 1 if number % 2 else -1]:
            runs[name].append(decoded(checkouts[name], model, test, limit, dtype))
            typer.echo(f"{name}: {runs[name][-1]['seconds']:.2f} s")
    commits = {name: commit(folder) for name, folder in checkouts.items()}
    cells = Cells(output)
    key = {"model": str(model), "test": str(test), "limit": limit, "dtype": dtype}
    cell = cells.cell(**commits, **key)
    seconds = {name: [round(run["seconds"], 3) for run in own] for name, own in runs.items()}
    cell["seconds"] = seconds
    cell["ratio"] = round(median(seconds["after"]) / median(seconds["before"]), 3)
    last = [own[-1]["found"] for own in runs.values()]
    cell["documents_that_differ"] = sum(one != other for one, other in zip(*last, strict=True))
    cells.save()
    typer.echo(json.dumps(cell, indent=1))


@app.command(hidden=True)
def decode(model: Path, test: Path, limit: int, dtype: str) -> None:
    """Decode in this process, with the package that it finds; print the result as JSON."""
    overrides = {f"components.{COMPONENT}.model.lm.dtype": dtype}
    nlp = spacy.load(model, config=overrides)
    pipe: Any = nlp.get_pipe(COMPONENT)
    texts = [doc.text for doc in DocBin().from_disk(test).get_docs(nlp.vocab)]
    list(pipe.pipe(map(nlp.make_doc, texts[limit : limit + WARM_UP])))
    docs = [nlp.make_doc(text) for text in texts[:limit]]
    begin = time.perf_counter()
    docs = list(pipe.pipe(docs, batch_size=limit))
    seconds = time.perf_counter() - begin
    groups = [doc.spans.get(pipe.spans_key, doc.ents) for doc in docs]
    found = [[(span.start, span.end, span.label_) for span in group] for group in groups]
    typer.echo(json.dumps({"seconds": seconds, "found": found}))


def decoded(checkout: Path, model: Path, test: Path, limit: int, dtype: str) -> Cell:
    """Decode in a process of its own, with the package of a checkout."""
    command = [sys.executable, HERE, "decode", model, test, limit, dtype]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    printed = subprocess.run(
        list(map(str, command)), env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    result: Cell = json.loads(printed.splitlines()[-1])
    return result


def commit(checkout: Path) -> str:
    """Return the commit of a checkout."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    app()
