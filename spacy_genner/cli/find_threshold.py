"""`python -m spacy genner find-threshold`: find the threshold for a precision or a recall."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Option

from ..evaluation.metrics import percent
from ..evaluation.thresholds import Change, Target, find_threshold, find_thresholds, total
from ..printing import msg
from . import genner
from ._options import Component, DevelopmentData, Model
from ._pipelines import all_outcomes, generative_ner_of, load, plain_errors, save

_FEW = 50
"""The command warns about a threshold that leaves fewer spans, or rests on fewer gold spans."""


@genner.command("find-threshold")
def find_threshold_cli(
    model: Model,
    data: DevelopmentData,
    precision: Annotated[
        float | None,
        Option(help="Precision to reach with the lowest threshold, such as 0.9.", min=0, max=1),
    ] = None,
    recall: Annotated[
        float | None,
        Option(help="Recall to keep with the highest threshold, such as 0.6.", min=0, max=1),
    ] = None,
    per_label: Annotated[
        bool, Option("--per-label", help="Find a threshold for each label.")
    ] = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="Folder to save the pipeline with the threshold to."),
    ] = None,
    component: Component = "generative_ner",
) -> None:
    """Find the threshold of the scores that reaches a precision or keeps a recall.

    The documents are decoded once. Without --precision and --recall, the threshold is the one with
    the highest F1. If no threshold reaches the target, the command says how near it comes, and
    saves nothing.
    """
    nlp = load(model)
    with plain_errors():
        target = _target(precision, recall)
        pipe = generative_ner_of(nlp, component)
        found = all_outcomes(nlp, pipe, data)
        by_label = find_thresholds(found, target, pipe.labels) if per_label else {}
        change = total(by_label.values()) if per_label else find_threshold(found, target)
        _print(by_label, change)
        _check(by_label or {"all labels": change}, change, target)
        thresholds = {label: labelled.after.threshold for label, labelled in by_label.items()}
        pipe.threshold = thresholds or change.after.threshold
        msg.info(f"threshold = {json.dumps(pipe.threshold, ensure_ascii=False)}")
        if output:
            save(nlp, output)
            msg.good(f"Saved the pipeline with the threshold to {output}")


def _target(precision: float | None, recall: float | None) -> Target:
    """Return what the options ask for.

    Raises:
        ValueError: If they ask for a precision and a recall.
    """
    if precision is not None and recall is not None:
        raise ValueError("--precision and --recall are given: give only one of them")
    if precision is not None:
        return Target("precision", precision)
    return Target() if recall is None else Target("recall", recall)


def _print(by_label: Mapping[str, Change], change: Change) -> None:
    """Print what the thresholds change."""
    rows = [_row(label, labelled) for label, labelled in by_label.items()]
    name, threshold, *rates = _row("all labels", change)
    rows.append((name, "" if by_label else threshold, *rates))
    header = ("", "threshold", "P", "R", "F1", "spans")
    msg.table(rows, header=header, aligns=("l", *"rrrrr"), divider=True)


def _row(name: str, change: Change) -> tuple[str, ...]:
    before, after = change.before, change.after
    rates = ((before.p, after.p), (before.r, after.r), (before.f, after.f))
    return (
        name,
        f"{after.threshold:.6g}",
        *(f"{percent(old)} → {percent(new)}" for old, new in rates),
        f"{before.predicted} → {after.predicted}",
    )


def _check(changes: Mapping[str, Change], overall: Change, target: Target) -> None:
    """Warn about thresholds that few spans support, or that miss the target for their label.

    Raises:
        ValueError: If the spans of all labels together miss the target.
    """
    if not target.reached(overall.after):
        raise ValueError(
            f"{target} is not reached: what comes nearest is a {target.measure} of "
            f"{target.value(overall.after):.3f}, with {overall.after.predicted} spans left: ask "
            "for at most that, or train longer"
        )
    few, missed = [], []
    for name, change in changes.items():
        support = min(change.after.predicted, change.after.gold)
        if support < _FEW:
            few.append(f"{name} ({support})")
        measured = change.before.predicted if target.measure == "precision" else change.before.gold
        if measured and not target.reached(change.after):
            missed.append(name)
    if missed:
        msg.warn(
            f"No threshold reaches {target} for {', '.join(missed)}: the one that comes nearest is "
            "taken"
        )
    if few:
        msg.warn(
            f"Few spans support the threshold of {', '.join(few)}: give documents with at least "
            f"{_FEW} predicted and gold spans"
        )
