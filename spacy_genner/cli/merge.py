"""`python -m spacy genner merge`: write a pipeline's weights as a plain Hugging Face folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from ..printing import msg
from . import genner
from ._options import Component, Model
from ._pipelines import generative_ner_of, load, plain_errors


@genner.command("merge")
def merge_cli(
    model: Model,
    folder: Annotated[Path, Argument(help="Folder to write.", file_okay=False)],
    component: Component = "generative_ner",
) -> None:
    """Merge what was trained into the base, and write a plain Hugging Face folder.

    Transformers and vLLM can load the folder, and so can a config that names it. Its README.md is a
    model card with the prompt, the labels and the config. The draft head, the calibration, the
    threshold and the examples of a prompt are parts of the pipeline only.
    """
    from ..training.merging import merge  # loads torch and transformers

    nlp = load(model)
    with plain_errors():
        lost = merge(nlp, generative_ner_of(nlp, component), folder)
    if lost:
        msg.warn(f"Not in a plain folder, only in the pipeline: {', '.join(lost)}")
    msg.good(f"Wrote the merged weights and a model card to {folder}")
