"""`generative_ner` and what people would pick instead, on the whole test parts of public corpora.

make setup STACK=4 VENV=.venv-tf4 EXTRAS=dev,encoder
python benchmarks/rivals.py wnut17=corpus/wnut17 genia=corpus/genia \\
    --encoder-python .venv-tf4/bin/python

Each corpus is one of `genner convert --corpus`, in a folder with train.spacy, dev.spacy and
test.spacy. All systems have the same training sentences, and choose their best step on the same
development sentences. What is finished is not trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from recipes import Recipe
from scored import score, tables
from thinc.api import Config
from trainings import CONFIGS, trained

from spacy_genner.corpora.known import known_corpus
from spacy_genner.weights.packages import installed

OURS, CNN, ENCODER = "generative_ner", "spaCy, CNN", "MiniLM-L6 encoder"


def ours(corpus: str, folder: Path, seed: int) -> Config:
    """The config of the project, with the steps that the table of known corpora says."""
    config = Recipe().config(corpus, folder, seed)
    config["training"]["eval_frequency"] = known_corpus(corpus).training.eval_frequency
    config["corpora"]["dev"]["limit"] = 0
    return config


def cnn(corpus: str, folder: Path, seed: int) -> Config:
    """spaCy's own `ner`, or its `spancat` where entities nest, on its own embeddings."""
    return _spacys(known_corpus(corpus).training.baseline, corpus, folder, seed)


def encoder(corpus: str, folder: Path, seed: int) -> Config:
    """spaCy's own component on a pretrained encoder, by spacy-transformers."""
    pipeline = ["transformer", known_corpus(corpus).training.baseline]
    weights = {"paths.encoder": str(installed("minilm-l6")), "nlp.pipeline": pipeline}
    return _spacys("encoder", corpus, folder, seed, **weights)


def _spacys(name: str, corpus: str, folder: Path, seed: int, **settings: Any) -> Config:
    training = known_corpus(corpus).training
    overrides = {
        "paths.train": str(folder / "train.spacy"),
        "paths.dev": str(folder / "dev.spacy"),
        "nlp.lang": training.lang,
        "nlp.tokenizer.@tokenizers": training.tokenizer,
        "system.seed": seed,
        "training.seed": seed,
    }
    return Config().from_disk(
        CONFIGS / f"{name}.cfg", interpolate=False, overrides=overrides | settings
    )


SYSTEMS: dict[str, Callable[[str, Path, int], Config]] = {OURS: ours, CNN: cnn, ENCODER: encoder}


def main(
    corpora: Annotated[list[str], typer.Argument(help="NAME=FOLDER")],
    output: Annotated[
        Path,
        typer.Option(help="Folder of results; what is there already is not done again"),
    ] = Path("benchmarks/out/rivals"),
    models: Annotated[Path, typer.Option(help="Where trained pipelines are kept")] = Path(
        "benchmarks/out/rivals-models"
    ),
    systems: Annotated[str, typer.Option(help="Their names, with semicolons between them")] = (
        ";".join(SYSTEMS)
    ),
    seeds: Annotated[str, typer.Option(help="With commas between them")] = "0,1",
    encoder_python: Annotated[
        Path, typer.Option(help="Python of an environment with spacy-transformers")
    ] = Path(sys.executable),
) -> None:
    """Train and score all that is not done yet, and print a Markdown table for each corpus."""
    asked: Sequence[str] = systems.split(";")
    if unknown := set(asked) - SYSTEMS.keys():
        raise typer.BadParameter(f"{'; '.join(sorted(unknown))}: choose from {'; '.join(SYSTEMS)}")
    folders = {name: Path(folder) for name, folder in (item.split("=", 1) for item in corpora)}
    for seed, corpus, system in product(map(int, seeds.split(",")), folders, asked):
        run = f"{SYSTEMS[system].__name__}-{seed}"
        metrics = output / corpus / f"{run}.json"
        if not metrics.exists():
            python = encoder_python if system == ENCODER else Path(sys.executable)
            config = SYSTEMS[system](corpus, folders[corpus], seed)
            best = trained(models / f"{corpus}-{run}", config, python).with_name("model-best")
            score(metrics, system, best, folders[corpus] / "test.spacy", python)
    typer.echo(tables([output / corpus for corpus in folders], OURS))


if __name__ == "__main__":
    typer.run(main)
