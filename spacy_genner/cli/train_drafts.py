"""`python -m spacy genner train-drafts`: make a pipeline faster without changing its output."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

from typer import Argument, Option

from ..corpora.spacy_files import read_corpus
from ..printing import msg
from . import genner
from ._options import Component, Model
from ._pipelines import generative_ner_of, load, plain_errors, save


@genner.command("train-drafts")
def train_drafts_cli(
    model: Model,
    data: Annotated[
        Path,
        Argument(
            help="Annotated documents, a .spacy file or a folder of them. The training data will "
            "do.",
            exists=True,
        ),
    ],
    output: Annotated[Path, Argument(help="Folder to save the pipeline with drafts to.")],
    component: Component = "generative_ner",
    limit: Annotated[int, Option(help="Learn from at most this many documents.", min=1)] = 5000,
) -> None:
    """Teach a trained pipeline to draft its answers.

    With drafts it decodes faster. It checks each draft before it accepts it, so it finds the same
    entities as before.
    """
    nlp = load(model)
    with plain_errors():
        examples = read_corpus(data, nlp, limit)
        start = perf_counter()
        generative_ner_of(nlp, component).train_drafts(examples)
        performance = nlp.meta.get("performance", {})
        # Where the time of the training itself is not known, this part must not pass for it.
        if "training_seconds" in performance:
            performance["training_seconds"] += perf_counter() - start
        save(nlp, output)
    msg.good(f"Saved the pipeline with drafts to {output}")
