"""`python -m spacy genner …`: one file a command, each a thin typer shell over a plain function."""

import typer
from spacy.cli._util import app

genner = typer.Typer(
    name="genner", help="Generative NER: weights, corpora, evaluation.", no_args_is_help=True
)
app.add_typer(genner)

from . import (  # noqa: E402, F401  (register themselves)
    annotate,
    calibrate,
    compare,
    convert,
    debug_data,
    download,
    evaluate,
    evaluate_predictions,
    train,
    train_drafts,
)
