"""`python -m spacy genner calibrate`: turn the scores of a pipeline into probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typer import Argument

from ..decoding.calibration import brier, calibration_error, cross_validated, fit_platt
from ..printing import msg
from . import genner
from ._options import Component, DevelopmentData, Model
from ._pipelines import all_outcomes, generative_ner_of, load, plain_errors, save

_FEW = 50
"""The command warns if there are fewer right or fewer wrong spans than this to fit a curve to."""


@genner.command("calibrate")
def calibrate_cli(
    model: Model,
    data: DevelopmentData,
    output: Annotated[Path, Argument(help="Folder to save the calibrated pipeline to.")],
    component: Component = "generative_ner",
) -> None:
    """Turn the scores of a pipeline into probabilities.

    The scores are fitted to how often spans are right (Platt scaling), and the calibrated pipeline
    is saved. Nothing is saved if, by cross-validation, the fit makes the scores of unseen
    documents worse.
    """
    nlp = load(model)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        threshold = pipe.threshold
        pipe.calibrate(None)
        found = all_outcomes(nlp, pipe, data)
        scores, correct = found.scores, found.correct
        scaling = fit_platt(scores, correct)
        unseen = cross_validated(scores, correct, found.documents)
        _report({"as they are": scores, "calibrated, cross-validated": unseen}, correct)
        if brier(unseen, correct) >= brier(scores, correct):
            raise ValueError(
                f"the fit makes the scores of {len(scores)} spans worse on documents that it has "
                "not seen: give more documents, or leave the scores as they are"
            )
        pipe.calibrate(scaling)
        pipe.threshold = threshold
        save(nlp, output)
    msg.good(f"Saved the calibrated pipeline to {output}")


def _report(kinds: Mapping[str, ArrayLike], correct: NDArray[np.bool_]) -> None:
    """Print how far each kind of scores is from the truth."""
    rows = []
    for name, scores in kinds.items():
        error = calibration_error(scores, correct)
        rows.append((name, f"{error:.3f}", f"{brier(scores, correct):.3f}"))
    header = ("scores", "calibration error", "Brier score")
    msg.table(rows, header=header, aligns=("l", "r", "r"), divider=True)
    right = int(correct.sum())
    wrong = len(correct) - right
    if min(right, wrong) < _FEW:
        msg.warn(
            f"{right} right and {wrong} wrong spans are few to fit a curve to: give documents with "
            f"at least {_FEW} of each kind"
        )
