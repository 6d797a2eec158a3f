"""Whether `genner annotate` with a folder as its output is as fast as `nlp.pipe`.

python benchmarks/stream_rate.py training/genia/model-best corpus/genia/train.spacy --limit 2000

The texts are cut into runs, and each is annotated in both ways by the same pipeline, with the one
or the other first in turn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import spacy
import typer
from cells import RESULTS, Cells
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_genner.annotating.inputs import Inputs
from spacy_genner.annotating.run import Run

COMPONENT = "generative_ner"
WARM_UP = 16


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    texts: Annotated[Path, typer.Argument(help="Documents, .spacy, whose texts are annotated.")],
    limit: Annotated[int, typer.Option(help="Number of documents.")] = 2000,
    runs: Annotated[int, typer.Option(help="Number of runs that they are cut into.")] = 4,
    part_size: Annotated[int, typer.Option(help="Number of documents in a part.")] = 500,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "stream_rate.json",
) -> None:
    """Annotate documents in both ways, and print the ratio of their rates."""
    nlp = spacy.load(model)
    docs = DocBin().from_disk(texts).get_docs(spacy.blank("xx").vocab)
    found = [doc.text for doc in islice(docs, WARM_UP + limit)]
    warm_up, found = found[:WARM_UP], found[WARM_UP:]
    ways: dict[str, Callable[[Sequence[str]], list[Any]]] = {
        "nlp.pipe": partial(piped, nlp),
        "annotate": partial(streamed, nlp, str(model), part_size),
    }
    for way in ways.values():
        way(warm_up)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    differ, size = 0, -(-len(found) // runs)
    for number in range(runs):
        run, results = found[number * size : (number + 1) * size], list[Any]()
        for name in list(ways)[:: -1 if number % 2 else 1]:
            begin = time.perf_counter()
            results.append(ways[name](run))
            seconds[name].append(round(time.perf_counter() - begin, 2))
        differ += sum(one != other for one, other in zip(*results, strict=True))
        typer.echo(
            f"{number + 1} of {runs}: {seconds['nlp.pipe'][-1]} s, {seconds['annotate'][-1]} s"
        )
    ratios = [a / b for a, b in zip(seconds["annotate"], seconds["nlp.pipe"], strict=True)]
    cells = Cells(output)
    cell = cells.cell(model=str(model), texts=str(texts), limit=limit, part_size=part_size)
    cell |= {"seconds": seconds, "ratio": round(median(ratios), 3), "differ": differ}
    cells.save()
    typer.echo(json.dumps(cell, indent=1))


def piped(nlp: Language, texts: Sequence[str]) -> list[Any]:
    """Return the spans that `nlp.pipe` finds in each text."""
    pipe: Any = nlp.get_pipe(COMPONENT)
    return [spans(doc, pipe.spans_key) for doc in nlp.pipe(texts)]


def spans(doc: Doc, key: str) -> list[Any]:
    """Return the spans of a document."""
    return sorted((span.start_char, span.end_char, span.label_) for span in doc.spans[key])


def streamed(nlp: Language, model: str, part_size: int, texts: Sequence[str]) -> list[Any]:
    """Return the spans that a run finds in each text, read from the parts that it writes."""
    with TemporaryDirectory() as folder:
        source, parts = Path(folder, "texts.jsonl"), Path(folder, "parts")
        lines = [json.dumps({"text": text}) + "\n" for text in texts]
        source.write_text("".join(lines), encoding="utf8")
        Run(model, lambda: nlp, parts, part_size=part_size)(Inputs.of(source))
        files = [file.read_text(encoding="utf8") for file in sorted(parts.glob("part-*"))]
    records = [json.loads(line) for file in files for line in file.splitlines()]
    return [
        sorted((span["start"], span["end"], span["label"]) for span in record["spans"])
        for record in records
    ]


if __name__ == "__main__":
    typer.run(main)
