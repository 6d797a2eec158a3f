"""The commands of `python -m spacy genner`: each file defines one, on top of plain functions."""

import typer
from spacy.cli._util import app

from ._logging import print_logs

genner = typer.Typer(
    name="genner",
    help="Generative NER: download weights, convert corpora, train, evaluate and annotate.",
    no_args_is_help=True,
)
app.add_typer(genner)
print_logs()

from . import (  # noqa: E402, F401  (register themselves)
    annotate,
    calibrate,
    check_model,
    compare,
    convert,
    debug_data,
    download,
    evaluate,
    evaluate_predictions,
    export,
    find_threshold,
    merge,
    probe_ability,
    probe_memorisation,
    show_prompt,
    train,
    train_drafts,
)
