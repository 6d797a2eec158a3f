"""`genner evaluate-predictions`: score the answers that another system has stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer

from ..answers import Repairs
from ..evaluation.published import Tally
from ..evaluation.scores import score
from ..writing import replacing
from . import genner
from ._pipelines import plain_errors
from ._predictions import Prediction, read_predictions
from ._printing import msg


@genner.command("evaluate-predictions")
def evaluate_predictions_cli(
    file: Annotated[Path, typer.Argument(help="JSON lines of GNER or LLMs4NER", exists=True, dir_okay=False)],
    output: Annotated[Path | None, typer.Option("--json", help="Metrics to write, as JSON")] = None,
) -> None:
    """Score stored predictions by position, beside the count of their own script."""
    with plain_errors():
        predictions = read_predictions(file)
        metrics = evaluate_predictions(predictions)
        if output:
            with replacing(output) as new:
                new.write_text(json.dumps(metrics, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _print(metrics)
    if output:
        msg.good(f"Saved the metrics to {output}")


def evaluate_predictions(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """The metrics of each dataset and of all: scores by position, the published count, and the repairs.

    `mean_f` is the mean of the datasets, which is what GNER reports.
    """
    names = dict.fromkeys(prediction.dataset for prediction in predictions)
    datasets = {name: _metrics([p for p in predictions if p.dataset == name]) for name in names}
    means = {kind: mean(each[kind]["f"] or 0.0 for each in datasets.values()) for kind in ("position", "published")}
    return {"datasets": datasets, "overall": _metrics(predictions), "mean_f": means}


def _metrics(predictions: Sequence[Prediction]) -> dict[str, Any]:
    tally = sum((p.tally for p in predictions), Tally())
    return {
        "documents": len(predictions),
        "position": asdict(score([p.document for p in predictions]).total),
        "published": {**asdict(tally), "f": tally.f},
        "repairs": asdict(sum((p.repairs for p in predictions), Repairs())),
        "gold_repairs": asdict(sum((p.gold_repairs for p in predictions), Repairs())),
    }


def _print(metrics: dict[str, Any]) -> None:
    rows = {**metrics["datasets"], "all": metrics["overall"]} if len(metrics["datasets"]) > 1 else metrics["datasets"]
    table = [
        (name, row["documents"], *(_percent(row["position"][rate]) for rate in "prf"), _percent(row["published"]["f"]))
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
