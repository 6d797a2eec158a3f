"""Ways to train `generative_ner`, on development data: what wins becomes the default.

python benchmarks/recipes.py wnut17=corpus/wnut17 genia=corpus/genia

Each corpus is one of `genner convert --corpus`, in a folder with train.spacy and dev.spacy. Its
steps, batch and depth are those of the table of known corpora. What is finished is not trained
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from scored import score, tables
from thinc.api import Config
from trainings import CONFIGS, trained

from spacy_genner.corpora.known import known_corpus

_MODEL = "components.generative_ner.model"
_RATE = "training.optimizer.learn_rate.initial_rate"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to train.

    Attributes:
        steps: By what to multiply the number of steps.
        batch: By what to multiply the number of documents in a step.
        settings: Other settings of the config.
    """

    steps: float = 1
    batch: float = 1
    settings: Mapping[str, Any] = field(default_factory=dict)

    def config(self, corpus: str, folder: Path, seed: int) -> Config:
        """The config of a training on a corpus in a folder, which is evaluated at its end."""
        training = known_corpus(corpus).training
        steps = round(self.steps * training.steps)
        overrides = {
            "paths.train": str(folder / "train.spacy"),
            "paths.dev": str(folder / "dev.spacy"),
            "corpora.dev.limit": 8,  # no model is chosen by it
            "nlp.lang": training.lang,
            "nlp.tokenizer.@tokenizers": training.tokenizer,
            "system.seed": seed,
            "training.seed": seed,
            "training.optimizer.learn_rate.total_steps": steps,
            "training.eval_frequency": steps,
            "training.batcher.size": round(self.batch * training.batch),
            f"{_MODEL}.format.max_depth": training.max_depth,
            f"{_MODEL}.lm.attention": "eager",  # on a CPU, faster to train with in bfloat16
        }
        overrides |= self.settings
        return Config().from_disk(CONFIGS / "cpu.cfg", interpolate=False, overrides=overrides)


DEFAULT = "default"
RECIPES = {
    DEFAULT: Recipe(),
    "half the batch": Recipe(steps=2, batch=0.5),
    "half the rate": Recipe(settings={_RATE: 5e-4}),
    "twice the rate": Recipe(settings={_RATE: 2e-3}),
    "twice the steps": Recipe(steps=2),
    "rank 64": Recipe(
        settings={f"{_MODEL}.lm.tuning.r": 64, f"{_MODEL}.lm.tuning.lora_alpha": 128}
    ),
}


def main(
    corpora: Annotated[list[str], typer.Argument(help="NAME=FOLDER")],
    output: Annotated[
        Path,
        typer.Option(help="Folder of results; what is there already is not done again"),
    ] = Path("benchmarks/out/recipes"),
    models: Annotated[Path, typer.Option(help="Where trained pipelines are kept")] = Path(
        "benchmarks/out/recipes-models"
    ),
    recipes: Annotated[str, typer.Option(help="Their names, with commas between them")] = ",".join(
        RECIPES
    ),
    seeds: Annotated[str, typer.Option(help="With commas between them")] = "0,1",
) -> None:
    """Train and score all that is not done yet, and print a Markdown table for each corpus."""
    if unknown := set(recipes.split(",")) - RECIPES.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(RECIPES)}")
    folders = {name: Path(folder) for name, folder in (item.split("=", 1) for item in corpora)}
    for recipe, seed, corpus in product(recipes.split(","), map(int, seeds.split(",")), folders):
        run = f"{recipe.replace(' ', '-')}-{seed}"
        metrics = output / corpus / f"{run}.json"
        if not metrics.exists():
            config = RECIPES[recipe].config(corpus, folders[corpus], seed)
            model = trained(models / f"{corpus}-{run}", config)
            score(metrics, recipe, model, folders[corpus] / "dev.spacy")
    typer.echo(tables([output / corpus for corpus in folders], DEFAULT))


if __name__ == "__main__":
    typer.run(main)
