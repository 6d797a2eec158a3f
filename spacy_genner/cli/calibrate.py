"""`genner calibrate`: scores that are probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..calibration import calibration_error, fit_platt
from ..types import Entity
from . import genner
from ._evaluation import Evaluation, annotated, evaluate
from ._pipelines import characters, generative_ner_of, load, plain_errors, read_corpus, save


@genner.command("calibrate")
def calibrate_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")],
    data: Annotated[Path, typer.Argument(help="Development documents: not those trained on", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for the calibrated pipeline")],
    component: Annotated[str, typer.Option(help="Name of the generative_ner component")] = "generative_ner",
) -> None:
    """Fit the scores of a pipeline to how often its spans are right (Platt scaling), and save it."""
    nlp = load(model)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        pipe.calibrate(None)
        pipe.threshold, threshold = 0.0, pipe.threshold  # the curve is fitted to the scores of all spans
        result = evaluate(nlp, annotated(read_corpus(data, nlp), pipe.spans_key), pipe.spans_key, "spans")
        scores, correct = outcomes(result)
        scaling = fit_platt(scores, correct)
        pipe.calibrate(scaling)
        pipe.threshold = threshold
        save(nlp, output)
    before, after = calibration_error(scores, correct), calibration_error(scaling(scores), correct)
    msg.good(f"Saved the calibrated pipeline to {output}")
    msg.info(f"Mean distance from the truth over {len(scores)} spans: {before:.3f} before, {after:.3f} after")


def outcomes(result: Evaluation) -> tuple[list[float], list[bool]]:
    """The score of each predicted span, and whether it is a gold span."""
    scores, correct = list[float](), list[bool]()
    for predicted, gold in zip(result.predicted, result.gold, strict=True):
        right = characters(gold)
        for span, score in predicted:
            scores.append(1.0 if score is None else score)
            correct.append(Entity(span.start_char, span.end_char, span.label_) in right)
    return scores, correct
