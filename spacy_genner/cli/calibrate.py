"""`genner calibrate`: scores that are probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from numpy.typing import ArrayLike

from ..corpora.spacy_files import read_corpus
from ..decoding.calibration import brier, calibration_error, cross_validated, fit_platt
from ..evaluation.running import annotated, evaluate, outcomes
from ..printing import msg
from . import genner
from ._pipelines import generative_ner_of, load, plain_errors, save

_FEW = 50
"""With how many right or wrong spans a fit is worth a warning."""


@genner.command("calibrate")
def calibrate_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")],
    data: Annotated[
        Path, typer.Argument(help="Development documents: not those trained on", exists=True)
    ],
    output: Annotated[Path, typer.Argument(help="Folder for the calibrated pipeline")],
    component: Annotated[
        str, typer.Option(help="Name of the generative_ner component")
    ] = "generative_ner",
) -> None:
    """Fit the scores of a pipeline to how often its spans are right (Platt scaling), and save it.

    Nothing is saved if the fit makes scores worse on documents that it has not seen, by
    cross-validation.
    """
    nlp = load(model)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        pipe.calibrate(None)
        pipe.threshold, threshold = (
            0.0,
            pipe.threshold,
        )  # the curve is fitted to the scores of all spans
        result = evaluate(
            nlp, annotated(read_corpus(data, nlp), pipe.spans_key), pipe.spans_key, "spans"
        )
        scores, correct, documents = outcomes(result)
        scaling, unseen = fit_platt(scores, correct), cross_validated(scores, correct, documents)
        _report({"as they are": scores, "calibrated, cross-validated": unseen}, correct)
        if brier(unseen, correct) >= brier(scores, correct):
            raise ValueError(
                f"the fit makes the scores of {len(scores)} spans worse on documents that it has "
                "not seen: give more "
                "documents, or leave the scores as they are"
            )
        pipe.calibrate(scaling)
        pipe.threshold = threshold
        save(nlp, output)
    msg.good(f"Saved the calibrated pipeline to {output}")


def _report(kinds: Mapping[str, ArrayLike], correct: Sequence[bool]) -> None:
    """Print how far each kind of scores is from the truth."""
    rows = [
        (name, f"{calibration_error(p, correct):.3f}", f"{brier(p, correct):.3f}")
        for name, p in kinds.items()
    ]
    msg.table(
        rows,
        header=("scores", "calibration error", "Brier score"),
        aligns=("l", "r", "r"),
        divider=True,
    )
    right = sum(correct)
    if min(right, len(correct) - right) < _FEW:
        advice = f"give documents with at least {_FEW} of each kind"
        msg.warn(
            f"{right} right and {len(correct) - right} wrong spans are few to fit a curve to: "
            f"{advice}"
        )
