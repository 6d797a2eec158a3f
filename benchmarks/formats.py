"""Every output format on the same sentences, with the same budget and seed: trained, constrained,
and left free.

python benchmarks/formats.py wnut17=corpus/wnut17 genia=corpus/genia

Each corpus is a folder with train.spacy and test.spacy. The models are trained with `loss =
"tokens"`, so that they can also write freely; with `--loss decisions`, the default of the
component, they are scored constrained only. Those that are finished are not trained again.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import spacy
import typer
from cells import Cell, Cells
from comparing import f1
from spacy.tokens import DocBin
from systems.base import InBatches, Sentence, Subject, System
from systems.generate import Generate
from systems.masked import GenerateMasked
from systems.ours import speculative
from trainings import config_of, trained

from spacy_genner.answers import Repairs
from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.decoding.free import longest
from spacy_genner.models.generative import speller_of

BATCH = 8


def spelled(name: str) -> str:
    """The name of a class as words: `InlineXML` → "inline XML"."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])", name)
    return " ".join(word if word.isupper() else word.lower() for word in words)


FORMATS = {
    spelled(entry.attr): entry.attr
    for entry in entry_points(group="spacy_misc")
    if entry.module.startswith("spacy_genner.formats.")
}
"""Those that are registered: name → class."""
MODES: dict[str, Callable[[Subject], System]] = {
    "constrained": speculative,
    "free": lambda subject: InBatches(Generate(subject, lambda task: longest(task.job))),
}
RULES: dict[str, Callable[[Subject], System]] = {
    "labels only": lambda subject: InBatches(GenerateMasked(subject, labels=True, texts=False)),
    "texts only": lambda subject: InBatches(GenerateMasked(subject, labels=False, texts=True)),
    "labels and texts": lambda subject: InBatches(GenerateMasked(subject, labels=True, texts=True)),
}
"""iNERD's ablation, of its own format."""
LOSSES = {"tokens": MODES, "decisions": {"constrained": speculative}}
"""How a model trained with each loss can write: one trained on decisions never learns to write
freely."""


def subset(source: Path, target: Path, size: int, seed: int) -> Path:
    """Some documents of a .spacy file, drawn at random."""
    if not target.exists():
        docs = list(DocBin().from_disk(source).get_docs(spacy.blank("en").vocab))
        target.parent.mkdir(parents=True, exist_ok=True)
        DocBin(
            docs=random.Random(seed).sample(docs, min(size, len(docs))), store_user_data=True
        ).to_disk(target)
    return target


def train(
    folder: Path, format: str, loss: str, train_data: Path, dev_data: Path, steps: int, seed: int
) -> Path:
    """A trained pipeline; goes on where it was stopped."""
    config = config_of("cpu", steps)
    config["components"]["generative_ner"]["model"] |= {
        "format": {"@misc": f"spacy_genner.{format}.v1"},
        "loss": loss,
    }
    config["system"]["seed"] = config["training"]["seed"] = seed
    config["paths"] |= {"train": str(train_data), "dev": str(dev_data)}
    return trained(folder, config)


class Trained:
    """A trained pipeline, and what it is tested on, the shortest sentences first."""

    def __init__(self, model: Path, test: Path) -> None:
        nlp: Any = spacy.load(model)
        component = nlp.get_pipe("generative_ner")
        network = component.model
        self.subject = Subject(
            network.shims[0].lm, network.attrs["format"], network.attrs["labels"]
        )
        self._key = nlp.get_pipe_config("generative_ner")["spans_key"]
        speller, tasks = speller_of(network), []
        for number, example in enumerate(read_corpus(test, nlp)):
            read = component.reading(example.predicted)
            tasks.append(Sentence(speller.job(read.source), [], number, example, read))
        self._tasks = sorted(tasks, key=lambda task: len(task.job.body))

    def measure(self, system: System) -> dict[str, Any]:
        """F1, the share of answers that had to be repaired, and of those with texts or labels that
        do not exist, what it took."""
        system(self._tasks[:BATCH], BATCH)
        start = time.perf_counter()
        output = system(self._tasks, BATCH)
        seconds = time.perf_counter() - start
        return {
            "f": f1(self._tasks, output.entities or [], self._key),
            "illegal": mean(repairs != Repairs() for repairs in output.repairs or [Repairs()]),
            "hallucinated": mean(map(invented, output.repairs or [Repairs()])),
            "passes": output.reading.rows / len(self._tasks),
            "rate": len(self._tasks) / seconds,
        }


def invented(repairs: Repairs) -> bool:
    """Whether an answer has words, mentions or labels that were not given; pieces of a broken mark
    are words, too."""
    return bool(repairs.additions + repairs.substitutions + repairs.missing + repairs.unknown)


def table(cells: Sequence[Cell]) -> str:
    """A Markdown table, a line for each way to write."""
    header = [
        "corpus",
        "format",
        "trained on",
        "",
        "F1",
        "illegal %",
        "hallucinated %",
        "passes",
        "sentences/s",
    ]
    lines = [header, ["---", "---", "---", "---", *["---:"] * 5]]
    for cell in cells:
        for mode in MODES | RULES:
            if found := cell.get(mode):
                shares = [f"{100 * found[name]:.1f}" for name in ("f", "illegal", "hallucinated")]
                amounts = [f"{found['passes']:.1f}", f"{found['rate']:.2f}"]
                lines.append(
                    [cell["corpus"], cell["format"], cell["loss"], mode, *shares, *amounts]
                )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(
    corpora: Annotated[list[str], typer.Argument(help="NAME=FOLDER")],
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not measured again")
    ] = Path("benchmarks/out/formats.json"),
    models: Annotated[Path, typer.Option(help="Where trained pipelines are kept")] = Path(
        "benchmarks/out/formats"
    ),
    formats: Annotated[str, typer.Option(help="Their names, with commas between them")] = ",".join(
        FORMATS
    ),
    loss: Annotated[str, typer.Option(help="What to train on: tokens or decisions")] = "tokens",
    training: Annotated[int, typer.Option(help="Training sentences")] = 600,
    test: Annotated[int, typer.Option(help="Test sentences")] = 200,
    steps: Annotated[int, typer.Option(help="Training steps, of 16 sentences")] = 150,
    seed: int = 0,
) -> None:
    """Train and measure all formats in turn, and print one Markdown table."""
    if unknown := set(formats.split(",")) - FORMATS.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(FORMATS)}")
    if loss not in LOSSES:
        raise typer.BadParameter(f"{loss}: choose from {', '.join(LOSSES)}")
    cells, done = Cells(output), list[Cell]()
    budget = {"loss": loss, "training": training, "test": test, "steps": steps, "seed": seed}
    for corpus, folder in (item.split("=", 1) for item in corpora):
        place = models / f"{corpus}-{training}-{test}-{steps}-{seed}"
        train_data = subset(Path(folder, "train.spacy"), place / "train.spacy", training, seed)
        test_data = subset(Path(folder, "test.spacy"), place / "test.spacy", test, seed)
        dev_data = subset(train_data, place / "few.spacy", BATCH, seed)  # no model is chosen by it
        for format in formats.split(","):
            cell = cells.cell(corpus=corpus, format=format, **budget)
            done.append(cell)
            modes = LOSSES[loss] | (RULES if (loss, format) == ("tokens", "typed list") else {})
            if modes.keys() <= cell.keys():
                continue
            name = FORMATS[format]
            tested = Trained(
                train(place / f"{name}-{loss}", name, loss, train_data, dev_data, steps, seed),
                test_data,
            )
            for mode in modes.keys() - cell.keys():
                cell[mode] = tested.measure(modes[mode](tested.subject))
                cells.save()
                typer.echo(f"{corpus}, {format}, {mode}: {cell[mode]}")
    typer.echo(table(done))


if __name__ == "__main__":
    typer.run(main)
