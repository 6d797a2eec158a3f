"""What the stages of `genner annotate` cost, per word: seconds and bytes."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import spacy
import torch
from cells import Cell
from spacy.language import Language
from spacy.tokens import Doc

from spacy_genner.annotating.annotate import Row, annotate
from spacy_genner.annotating.inputs import Input, Inputs
from spacy_genner.annotating.outputs import Output, write_lines
from spacy_genner.annotating.part import Part, parts_of
from spacy_genner.files.checksums import sha256
from spacy_genner.files.writing import replacing
from spacy_genner.models.generative import spellers_of

COMPONENT = "generative_ner"
RUNS = 5
"""The number of runs of each stage that count, after one that warms it up."""
DRIVER, WORKER = ("read", "send", "store"), ("receive", "tokenise", "prompt", "write")
"""The stages of the driver, and those of a worker beside the model."""
T = TypeVar("T")
Run = dict[str, float]
"""The seconds of stages and the bytes per word, and the words per document."""


def measured(model: Path, texts: Path, part_size: int, annotated: int) -> Cell:
    """Measure the stages of the driver and of a worker on another machine, with JSON lines as input
    and output. Each run has documents of its own, as the tokenizers remember words.

    Args:
        model: A trained pipeline.
        texts: A sample of the input, as of `annotate`.
        part_size: The number of documents in a part.
        annotated: The number of documents that the model reads in a run. On a CPU, which takes
            long for a part, it can be smaller than that.

    Raises:
        ValueError: If there are too few texts.
    """
    wanted = (RUNS + 1) * (part_size + annotated)
    sample = list(islice((each for each in Inputs.of(texts) if not each.fault), wanted))
    if len(sample) < wanted:
        raise ValueError(
            f"{texts} has {len(sample):,} texts: expected {wanted:,}; give more, or a smaller "
            "--part-size"
        )
    few, many = sample[: (RUNS + 1) * annotated], sample[(RUNS + 1) * annotated :]
    nlp, load = timed(lambda: loaded(model, few[0]))
    with TemporaryDirectory() as folder:
        source, output = Path(folder, "texts.jsonl"), Path(folder, "part.jsonl")
        write_lines(source, (each.fields for each in many))
        parts = parts_of(Inputs.of(source), part_size)
        costs = medians([without_model(nlp, parts) for _ in range(RUNS + 1)])
        chosen = parts_of(few, annotated)
        costs |= medians([with_model(nlp, part.inputs, output, part_size) for part in chosen])
        costs["input"] = source.stat().st_size / len(many) / costs["words"]
    costs["model"] = costs.pop("annotate") - costs["tokenise"] - costs["prompt"]
    return {
        "device": pipe_of(nlp).model.shims[0].lm.device.type,
        "threads": torch.get_num_threads(),
        "load": round(load, 2),
        "words": round(costs.pop("words"), 2),
        "bytes": {name: round(costs.pop(name), 2) for name in ("input", "message", "output")},
        "microseconds": {name: round(1e6 * seconds, 3) for name, seconds in costs.items()},
    }


def loaded(model: Path, first: Input) -> Language:
    """Load a pipeline, and annotate a document with it."""
    nlp = spacy.load(model)
    list(annotate(nlp, [first]))
    return nlp


def without_model(nlp: Language, parts: Iterator[Part]) -> Run:
    """Do with the next part what the driver does with it, and what a worker does before the model
    reads it."""
    part, read = timed(lambda: next(parts))
    message, send = timed(lambda: ForkingPickler.dumps(part))
    _, receive = timed(lambda: pickle.loads(message))
    texts = [each.text for each in part.inputs]
    with nlp.memory_zone(), nlp.select_pipes(disable=COMPONENT):
        docs, tokenise = timed(lambda: list(nlp.pipe(texts)))
        _, prompt = timed(lambda: make_prompts(pipe_of(nlp), docs))
        words = sum(map(len, docs))
    costs = {"read": read, "send": send, "receive": receive, "tokenise": tokenise, "prompt": prompt}
    costs["message"] = len(message)
    return {name: cost / words for name, cost in costs.items()} | {"words": words / len(docs)}


def with_model(nlp: Language, inputs: Sequence[Input], path: Path, part_size: int) -> Run:
    """Annotate documents, and write a part that consists of them, repeated if need be."""
    with nlp.memory_zone():
        found, seconds = timed(lambda: list(annotate(nlp, inputs)))
        rows = [each for each in found if isinstance(each, Row)]
        part = list(islice(cycle(rows), part_size))
        _, write = timed(lambda: write_part(path, part, pipe_of(nlp).spans_key))
        content = path.read_bytes()
        _, store = timed(lambda: put(path, content))
        words, written = (sum(len(row.doc) for row in some) for some in (rows, part))
    costs = {"write": write, "store": store, "output": len(content)}
    return {name: cost / written for name, cost in costs.items()} | {"annotate": seconds / words}


def write_part(path: Path, rows: Sequence[Row], spans_key: str) -> None:
    """Write documents as a worker does."""
    with replacing(path) as new:
        Output(spans_key=spans_key).write(new, rows)
    sha256(path)
    _ = Part(0, [row.input for row in rows]).digest


def put(path: Path, content: bytes) -> None:
    """Write the file of a part as the driver does when a worker has sent it."""
    with replacing(path) as new:
        new.write_bytes(content)


def make_prompts(pipe: Any, docs: Iterable[Doc]) -> None:
    """Make all that a decoder needs to know about documents."""
    for doc in docs:
        parts = pipe.parts(doc)
        for source, labels in map(parts.asked, parts.windows):
            for speller in spellers_of(pipe.model, labels):
                speller.job(source)


def pipe_of(nlp: Language) -> Any:
    """Return the component."""
    return nlp.get_pipe(COMPONENT)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return the result of a call, and the seconds that it took."""
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began


def medians(runs: Sequence[Run]) -> Run:
    """Return the median of each value, without the first run."""
    return {name: median(run[name] for run in runs[1:]) for name in runs[0]}
