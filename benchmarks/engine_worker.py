"""One engine, in a process of its own, for `benchmarks/engines.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import psutil
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from spacy.vocab import Vocab

COMPONENT = "generative_ner"
LARGE = 4096
"""The value of `batch_tokens` that is tried beside that of the pipeline."""
BATCH_SIZE = 64
PARTS = 3


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    test: Annotated[Path, typer.Argument(help="Documents, .spacy.")],
    lm: Annotated[str, typer.Argument(help="The section [model.lm], JSON.")],
    output: Annotated[Path, typer.Argument(help="What was found and measured, JSON.")],
    limit: Annotated[int, typer.Option(help="Documents that are read together.")] = 300,
    alone: Annotated[int, typer.Option(help="Documents that are read alone.")] = 30,
    few: Annotated[int, typer.Option(help="Documents for the larger batches.")] = 100,
) -> None:
    """Annotate documents with a trained pipeline whose language model another engine runs.

    No document is read twice, as an engine may remember what it has read.
    """
    nlp = pipeline(model, json.loads(lm))
    pipe: Any = nlp.get_pipe(COMPONENT)
    docs = list(DocBin().from_disk(test).get_docs(nlp.vocab))
    gold, others = docs[:limit], docs[limit:]
    warm_up(pipe, others[-8:])
    engine = pipe.model.shims[0].engine
    results: dict[str, Any] = {"documents": len(gold)}
    before = getattr(engine, "requests", None)
    found, results["together"] = annotated(pipe, gold, len(gold))
    if before is not None:
        results["requests"] = (engine.requests - before) / len(gold)
    _, results["alone"] = annotated(pipe, others[:alone], 1)
    if before is None:  # engines that count requests make batches of their own
        decoder = pipe.model.attrs["decoder"]
        pipe.model.attrs["decoder"] = replace(decoder, batch_tokens=LARGE)
        _, results["large"] = annotated(pipe, others[alone : alone + few], few)
    results["peak"] = peak()
    examples = [Example(doc, reference) for doc, reference in zip(found, gold, strict=True)]
    results["f"] = pipe.score(examples)[f"spans_{pipe.spans_key}_f"]
    results["spans"] = [spans(doc, pipe.spans_key) for doc in found]
    output.write_text(json.dumps(results), encoding="utf8")


def pipeline(model: Path, lm: Mapping[str, Any]) -> Language:
    """Load a trained pipeline with another language model, without the adapter that is stored.

    Args:
        lm: The section [model.lm].
    """
    config = load_config(model / "config.cfg")
    config["components"][COMPONENT]["model"]["lm"] = lm
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.from_disk(model, exclude=[COMPONENT])
    pipe: Any = nlp.get_pipe(COMPONENT)
    pipe.from_disk(model / COMPONENT, exclude=["model", "vocab"])
    return nlp


def annotated(pipe: Any, docs: Sequence[Doc], batch_size: int) -> tuple[list[Doc], float]:
    """Annotate the texts of documents in `PARTS` parts, each timed by itself.

    Returns:
        The annotated documents, and how many a second, as the median of the parts.
    """
    found, rates = list[Doc](), list[float]()
    size = -(-len(docs) // PARTS)
    for start in range(0, len(docs), size):
        texts = [unmarked(doc) for doc in docs[start : start + size]]
        begin = time.perf_counter()
        found += pipe.pipe(texts, batch_size=min(batch_size, BATCH_SIZE))
        rates.append(len(texts) / (time.perf_counter() - begin))
    return found, median(rates)


def warm_up(pipe: Any, docs: Sequence[Doc]) -> None:
    """Load what is loaded when it is first needed, and read some documents."""
    list(pipe.pipe(map(unmarked, docs)))


def unmarked(doc: Doc, vocab: Vocab | None = None) -> Doc:
    """Return the tokens of a document without what is marked in it.

    Args:
        vocab: The vocabulary of the pipeline, if it is not that of the document.
    """
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(vocab or doc.vocab, [token.text for token in doc], spaces)


def spans(doc: Doc, key: str) -> list[tuple[int, int, str, float]]:
    """Return the spans of a document with their scores."""
    scores = doc.spans[key].attrs["scores"]
    return [
        (span.start, span.end, span.label_, round(float(score), 6))
        for span, score in zip(doc.spans[key], scores, strict=True)
    ]


def peak(pid: int | None = None) -> float:
    """Return the most memory that a process, by default this one, and those that it started have
    held, in MiB."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(_peak(one.pid) for one in family)


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf8")
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    typer.run(main)
