"""Whether `genner check-model` names what is wrong with the set-up of a model.

python benchmarks/wrong_setups.py corpus/demo training/setups

The corpus has train.spacy and dev.spacy. Plain transformers and PEFT train an adapter with a chat
template, a prompt, label words and delimiters of its own, unless the second folder has one from a
run before. It is then plugged in as it was trained, and in six wrong ways, and each is checked.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import reduce
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import outside
import plug_in
import torch
import trainings
import typer
from cells import RESULTS, Cell, Cells
from thinc.api import Config
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.weights.packages import installed

Settings = dict[str, Any]
"""Settings by their names in [components.generative_ner.model], and their values."""
SETUPS: dict[str, tuple[str, Settings]] = {
    "right": ("nothing", {}),
    "another format": ("another format", {"format": {"@misc": "spacy_genner.InlineXML.v1"}}),
    "delimiters swapped": ("other delimiters", {"format.separator": "|", "format.closing": "}"}),
    "labels renamed": ("other labels", {"label_words": None}),
    "chat template off": ("the chat template", {"prompt.chat": False}),
    "another base": ("another base", {"lm.name": None}),
    "adapter missing": ("adapter missing", {"lm.adapter": None}),
}
"""For each set-up, the cause to be named, and the settings that differ from the right ones."""
RATES = ["legal", "free_f", "constrained_f"]
NOISE = 0.2
"""The standard deviation of what is added to the weights of the base to make another one, in
standard deviations of each matrix."""


def main(
    corpus: Annotated[Path, typer.Argument(help="Folder with train.spacy and dev.spacy.")],
    folder: Annotated[Path, typer.Argument(help="Folder for the adapter and the set-ups.")],
    name: Annotated[str, typer.Option(help="Base, as `genner download` has installed it.")] = (
        "smollm2-135m"
    ),
    steps: Annotated[int, typer.Option(help="Training steps.")] = 150,
    seconds: Annotated[float, typer.Option(help="Time for each check.")] = 40,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS
    / "wrong_setups.json",
) -> None:
    """Train an adapter, set it up, and print whether each check names the cause."""
    base = str(installed(name) or name)
    docs = plug_in.read(corpus / "train.spacy")
    words = {label: f"{label.lower()} name" for label in sorted(plug_in.labels_of(docs))}
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "adapter").exists():
        tokenizer = AutoTokenizer.from_pretrained(base)
        pairs = [plug_in.pair(doc, words, tokenizer) for doc in docs]
        outside.train(base, pairs, folder / "adapter", steps, seed=0)
    if not (folder / "other-base").exists():
        change_base(base, folder / "other-base")
    config = plug_in.pipeline(words, name=base, adapter=str(folder / "adapter")).config
    SETUPS["another base"][1]["lm.name"] = str(folder / "other-base")
    table = [
        "| set-up | legal | free F1 | F1 | log-probability | seconds | causes |",
        "| --- | --: | --: | --: | --: | --: | --- |",
    ]
    missed, cells = [], Cells(output)
    for setup, (cause, changes) in SETUPS.items():
        place = folder / f"{setup.replace(' ', '-')}.cfg"
        changed(config, changes).to_disk(place)
        cell = cells.cell(setup=setup, model=name, steps=steps)
        cell.update(check(place, corpus / "dev.spacy", seconds))
        cells.save()
        table.append(row(cell))
        missed += [setup] if cell["causes"][0] != cause else []
    print("\n".join(table))
    print(f"not named: {', '.join(missed)}" if missed else "all causes are named")


def change_base(base: str, folder: Path) -> None:
    """Save a base with other weights and the same shapes, as another model of its family has."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight += NOISE * weight.std() * torch.randn_like(weight)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)


def changed(config: Config, changes: Settings) -> Config:
    """Return a config with other settings of the network."""
    result = deepcopy(config)
    model = result["components"]["generative_ner"]["model"]
    for name, value in changes.items():
        *sections, last = name.split(".")
        reduce(dict.__getitem__, sections, model)[last] = value
    return result


def check(config: Path, gold: Path, seconds: float) -> Cell:
    """Check a set-up.

    Returns:
        The rates that `genner check-model` has measured, the time it took in seconds, and the names
        of the causes; "nothing" if there is none.
    """
    output = config.with_suffix(".json")
    start = perf_counter()
    trainings.genner("check-model", config, gold, "--seconds", str(seconds), "-o", output)
    took = perf_counter() - start
    found = json.loads(output.read_text(encoding="utf8"))
    own, *_ = found["log_probs"].values()
    causes = [cause["name"] for cause in found["causes"]] or ["nothing"]
    rates = {name: found[name] for name in RATES}
    return {**rates, "log_prob": own["all"], "seconds": took, "causes": causes}


def row(cell: Cell) -> str:
    """Return the row of a set-up in the table."""
    rates = [f"{100 * cell[name]:.1f}" for name in RATES]
    measured = [f"{cell['log_prob']:.2f}", f"{cell['seconds']:.0f}", ", ".join(cell["causes"])]
    return f"| {' | '.join([cell['setup'], *rates, *measured])} |"


if __name__ == "__main__":
    typer.run(main)
