"""`python -m spacy genner evaluate-predictions`: score the answers that another system stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from ..evaluation.metrics import percent
from ..evaluation.predictions import evaluate_predictions, read_predictions
from ..printing import msg
from . import genner
from ._output import write_json
from ._pipelines import plain_errors


@genner.command("evaluate-predictions")
def evaluate_predictions_cli(
    file: Annotated[
        Path, Argument(help="JSON lines of GNER or LLMs4NER.", exists=True, dir_okay=False)
    ],
    output: Annotated[
        Path | None, Option("--json", help="JSON file to write the metrics to.")
    ] = None,
) -> None:
    """Score predictions that another system stored.

    Spans are compared by their positions. The table also has the F1 as the system's own script
    computes it; most of these scripts compare only the texts of entities.
    """
    with plain_errors():
        metrics = evaluate_predictions(read_predictions(file))
        if output:
            write_json(output, metrics)
    _print(metrics)
    if output:
        msg.good(f"Saved the metrics to {output}")


def _print(metrics: dict[str, Any]) -> None:
    rows = [_table_row(name, dataset) for name, dataset in metrics["datasets"].items()]
    if len(rows) > 1:
        rows.append(_table_row("all", metrics["overall"]))
        rows.append(("mean", "", "", "", *map(percent, metrics["mean_f"].values())))
    header = ("", "documents", "P", "R", "F1", "F1 as published")
    msg.table(rows, header=header, aligns=("l", *"rrrrr"), divider=True)
    repairs = metrics["overall"]["repairs"]
    msg.table(list(repairs.items()), header=("repairs", ""), aligns=("l", "r"), divider=True)
    gold_repairs = metrics["overall"]["gold_repairs"]
    if wrong := [f"{name} {count}" for name, count in gold_repairs.items() if count]:
        msg.warn(f"The gold answers have faults too: {', '.join(wrong)}")


def _table_row(name: str, metrics: dict[str, Any]) -> tuple[object, ...]:
    rates = [percent(metrics["position"][rate]) for rate in "prf"]
    return name, metrics["documents"], *rates, percent(metrics["published"]["f"])
