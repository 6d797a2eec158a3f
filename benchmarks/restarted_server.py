"""A vLLM server that is killed and started again in the middle of a stream of documents: whether
all of them come back with the same spans.

python benchmarks/restarted_server.py training/wnut17/model-best corpus/wnut17/test.spacy
    --vllm VENV/bin/python
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import typer
from cells import RESULTS, Cells
from engine_worker import COMPONENT, pipeline, spans, unmarked
from engines import bare, plain
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from trainings import genner
from vllm_serving import Server

PATIENCE = 600.0


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    test: Annotated[Path, typer.Argument(help="Documents, .spacy.")],
    vllm: Annotated[Path, typer.Option(help="A Python with vLLM.")] = Path(sys.executable),
    dtype: Annotated[str, typer.Option(help="That of both engines.")] = "float32",
    limit: Annotated[int, typer.Option(help="Documents.")] = 1000,
    after: Annotated[float, typer.Option(help="The share of requests before it is killed.")] = 0.5,
    folder: Annotated[Path, typer.Option(help="For merged weights.")] = RESULTS / "engines",
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS
    / "restarted_server.json",
) -> None:
    """Annotate documents without a server and with one that is killed, and compare the spans."""
    merged = folder / model.resolve().parent.name / "merged"
    if not merged.exists():
        genner("merge", model, merged)
    docs = [unmarked(doc) for doc in DocBin().from_disk(test).get_docs(Language().vocab)][:limit]
    here = pipeline(model, plain(merged, dtype))
    expected = annotated(here, docs)
    server = Server(vllm, merged.resolve(), dtype)
    try:
        served = {"@misc": "spacy_genner.VLLM.v1", "name": str(merged.resolve())}
        nlp = pipeline(model, {**served, "url": server.url, "patience": PATIENCE})
        engine = pipe_of(nlp).model.shims[0].engine
        sample = docs[:: max(1, len(docs) // 20)]
        annotated(nlp, sample)
        each = engine.requests / len(sample)
        killing = Thread(target=kill_after, args=(server, engine, each * len(docs) * after))
        killing.start()
        begin, before = time.monotonic(), engine.requests
        found = annotated(nlp, docs)
        seconds = time.monotonic() - begin
        killing.join()
    finally:
        server.kill()
    cells = Cells(output)
    cell = cells.cell(model=str(model), test=str(test), dtype=dtype, limit=limit)
    cell |= {
        "documents": len(docs),
        "back": len(found),
        "differ": sum(bare(one) != bare(other) for one, other in zip(expected, found, strict=True)),
        "scores": largest_difference(expected, found),
        "away": server.away,
        "seconds": seconds,
        "requests": (engine.requests - before) / len(docs),
    }
    cells.save()
    typer.echo(str(cell))


def pipe_of(nlp: Language) -> Any:
    """Return the component of a pipeline."""
    return nlp.get_pipe(COMPONENT)


def annotated(nlp: Language, docs: Sequence[Doc]) -> list[list[tuple[int, int, str, float]]]:
    """Return the spans of documents."""
    key = pipe_of(nlp).spans_key
    texts = (unmarked(doc, nlp.vocab) for doc in docs)
    return [spans(doc, key) for doc in nlp.pipe(texts)]


def kill_after(server: Server, engine: Any, requests: float) -> None:
    """Restart a server when so many requests have been made."""
    goal = engine.requests + requests
    while engine.requests < goal:
        time.sleep(0.1)
    server.restart()


def largest_difference(one: Sequence[Sequence[Any]], other: Sequence[Sequence[Any]]) -> float:
    """Return the largest difference of the scores of a span in documents with the same spans."""
    pairs = [
        (span, same)
        for spans, others in zip(one, other, strict=True)
        if bare(list(spans)) == bare(list(others))
        for span, same in zip(spans, others, strict=True)
    ]
    return max((abs(span[3] - same[3]) for span, same in pairs), default=0.0)


if __name__ == "__main__":
    typer.run(main)
