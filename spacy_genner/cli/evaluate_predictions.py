"""`genner evaluate-predictions`: score the answers that another system has stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..evaluation.predictions import evaluate_predictions, read_predictions
from ..files.writing import replacing
from ..printing import msg
from . import genner
from ._pipelines import plain_errors


@genner.command("evaluate-predictions")
def evaluate_predictions_cli(
    file: Annotated[
        Path, typer.Argument(help="JSON lines of GNER or LLMs4NER", exists=True, dir_okay=False)
    ],
    output: Annotated[Path | None, typer.Option("--json", help="Metrics to write, as JSON")] = None,
) -> None:
    """Score stored predictions by position, beside the count of their own script."""
    with plain_errors():
        predictions = read_predictions(file)
        metrics = evaluate_predictions(predictions)
        if output:
            with replacing(output) as new:
                new.write_text(
                    json.dumps(metrics, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
                )
    _print(metrics)
    if output:
        msg.good(f"Saved the metrics to {output}")


def _print(metrics: dict[str, Any]) -> None:
    rows = (
        {**metrics["datasets"], "all": metrics["overall"]}
        if len(metrics["datasets"]) > 1
        else metrics["datasets"]
    )
    table = [
        (
            name,
            row["documents"],
            *(_percent(row["position"][rate]) for rate in "prf"),
            _percent(row["published"]["f"]),
        )
        for name, row in rows.items()
    ]
    if len(metrics["datasets"]) > 1:
        table.append(("mean", "", "", "", *map(_percent, metrics["mean_f"].values())))
    header = ("", "documents", "P", "R", "F1", "F1 as published")
    msg.table(table, header=header, aligns=("l", *"rrrrr"), divider=True)
    repairs, gold = metrics["overall"]["repairs"], metrics["overall"]["gold_repairs"]
    msg.table(list(repairs.items()), header=("repairs", ""), aligns=("l", "r"), divider=True)
    if wrong := [f"{name} {count}" for name, count in gold.items() if count]:
        msg.warn(f"The gold answers have faults too: {', '.join(wrong)}")


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}"
