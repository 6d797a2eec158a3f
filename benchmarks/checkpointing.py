"""What gradient checkpointing costs in time and saves in memory.

python benchmarks/checkpointing.py corpus/genia/train.spacy
"""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import spacy
import torch
import typer
from peak import Peak
from spacy.util import minibatch

from spacy_genner.corpora.spacy_files import read_corpus


def measured(
    train: Path, model: dict[str, Any], batch: int, steps: int
) -> tuple[list[float], float]:
    """The seconds of each step after the first, and by how many MiB the peak of memory is above
    what was held before the first."""
    nlp = spacy.blank("en")
    component: Any = nlp.add_pipe("generative_ner", config={"model": model})
    examples = read_corpus(train, nlp, batch * (steps + 1))
    optimizer, seconds = nlp.initialize(lambda: examples), []
    device = component.model.shims[0].lm.device
    with Peak(device) as peak:
        for some in minibatch(examples, batch):
            start = time.perf_counter()
            nlp.update(some, sgd=optimizer)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds.append(time.perf_counter() - start)
    return seconds[1:], peak.mib - peak.before


def main(
    train: Annotated[Path, typer.Argument(help="A .spacy file", exists=True)],
    model: Annotated[str, typer.Option(help="The language model")] = "smollm2-135m",
    format: Annotated[str, typer.Option(help="The format, as in a config")] = "InlineBracketed",
    loss: Annotated[str, typer.Option(help="The loss, as in a config")] = "decisions",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:0")] = "auto",
    batch: Annotated[int, typer.Option(help="Sentences of a step")] = 16,
    steps: Annotated[int, typer.Option(help="Timed steps, after one that is not")] = 5,
) -> None:
    """Train a few steps without and with it, each in a process of its own, and compare."""
    found = []
    for checkpointing in (False, True):
        lm = {"name": model, "device": device, "gradient_checkpointing": checkpointing}
        settings = {"lm": lm, "format": {"@misc": f"spacy_genner.{format}.v1"}, "loss": loss}
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            seconds, mib = process.submit(measured, train, settings, batch, steps).result()
        name = "with" if checkpointing else "without"
        typer.echo(
            f"{name}: {mib:,.0f} MiB above those before, {statistics.median(seconds):.2f} s a step"
        )
        found.append((seconds, mib))
    (plain, more), (twice, less) = found
    ratio = statistics.median(b / a for a, b in zip(plain, twice, strict=True))
    typer.echo(f"{ratio:.2f} times the time, {less / more:.2f} times the memory")


if __name__ == "__main__":
    typer.run(main)
