"""Coarse-tuning, then fine-tuning: what training on some corpora is worth on others.

python benchmarks/coarse.py FOLDER

A model is trained on WNUT-17, BTC, Wikigold and BC5CDR: on all of them, on a half and a quarter,
and on each alone, for as many steps each. It is scored on SEC-FIN and GENIA as it is, asked for
their labels, and again after it has been trained on a few of their sentences. Beside it, the same
without the first stage. SEC-FIN is another domain with the labels of Wikigold; GENIA's labels are
in none of the others.
"""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from cells import Cell, Cells
from stages import Stages

import spacy_genner

COARSE = ["wnut17", "btc", "wikigold", "bc5cdr"]
TARGETS = ["sec-fin", "genia"]
NOTHING = "nothing"
AS_IT_IS, FINE = "as it is", "fine-tuned"
RUNS = {
    "all": (COARSE, 1.0),
    "half of all": (COARSE, 0.5),
    "a quarter of all": (COARSE, 0.25),
    **{corpus: ([corpus], 1.0) for corpus in COARSE},
}
"""The corpora of each coarse stage, and how much of each."""


def main(
    corpora: Annotated[
        Path, typer.Argument(help="A folder with the corpora, each in a folder", exists=True)
    ],
    work: Annotated[Path, typer.Option(help="Where to train")] = Path("training/coarse"),
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not done again")
    ] = Path("benchmarks/out/coarse.json"),
    definitions: Annotated[
        Path | None,
        typer.Option(
            help="Folder with SCHEME.json, label → definition; a scheme without a file has none",
            exists=True,
        ),
    ] = Path(spacy_genner.__file__).parent / "labels" / "definitions",
    runs: Annotated[str, typer.Option(help="Coarse stages, with commas between them")] = ",".join(
        [NOTHING, *RUNS]
    ),
    targets: Annotated[str, typer.Option(help="Corpora to score on, likewise")] = ",".join(TARGETS),
    sentences: Annotated[int, typer.Option(help="Of each corpus, in the coarse stage")] = 1000,
    steps: Annotated[int, typer.Option(help="Of the coarse stage, of 16 sentences")] = 300,
    fine_sentences: Annotated[int, typer.Option(help="Of the fine stage")] = 100,
    fine_steps: Annotated[int, typer.Option(help="Of the fine stage, of 16 sentences")] = 60,
    test: Annotated[int, typer.Option(help="Sentences to score on")] = 300,
    model: Annotated[str, typer.Option(help="The language model")] = "smollm2-135m",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:0")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the draws of sentences")] = 0,
) -> None:
    """Train and score all that is not done yet, and print a Markdown table."""
    stages_of, asked = runs.split(","), targets.split(",")
    if unknown := set(stages_of) - RUNS.keys() - {NOTHING}:
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join([NOTHING, *RUNS])}"
        )
    if unknown := set(asked) - set(TARGETS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(TARGETS)}")
    sizes = {
        "model": model,
        "sentences": sentences,
        "steps": steps,
        "fine_sentences": fine_sentences,
    }
    sizes |= {"fine_steps": fine_steps, "test": test, "seed": seed}
    key = sizes | {"definitions": definitions and definitions.name}
    folder = work / "-".join([Path(model).name, *(str(size) for size in list(sizes.values())[1:])])
    stages = Stages(corpora, folder, definitions, {"name": model, "device": device}, test, seed)
    cells, scored = Cells(output), list[Cell]()

    def coarse(run: str) -> Path | None:
        known, share = RUNS.get(run, ([], 0.0))
        return stages.coarse(run, known, round(sentences * share), steps) if known else None

    def fine(run: str, target: str) -> Path:
        return stages.fine(f"{run}, {target}", coarse(run), target, fine_sentences, fine_steps)

    for run, target, stage in product(stages_of, asked, [AS_IT_IS, FINE]):
        cell = cells.cell(run=run, target=target, stage=stage, **key)
        if "f" not in cell:
            cell |= stages.score(coarse(run) if stage == AS_IT_IS else fine(run, target), target)
            cells.save()
        scored.append(cell)
    typer.echo(table(scored))


def table(cells: Sequence[Cell]) -> str:
    """A row for each coarse stage, two columns for each corpus."""
    found = {(cell["run"], cell["target"], cell["stage"]): cell["f"] for cell in cells}
    columns = list(dict.fromkeys((target, stage) for _, target, stage in found))
    lines = [["trained on before", *(f"{target}, {stage}" for target, stage in columns)]]
    lines.append(["---", *["---:"] * len(columns)])
    for run in dict.fromkeys(run for run, _, _ in found):
        values = (found.get((run, *column)) for column in columns)
        lines.append([run, *("–" if value is None else f"{100 * value:.1f}" for value in values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    typer.run(main)
