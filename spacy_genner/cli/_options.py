"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Model = Annotated[
    str,
    Argument(help="Pipeline to use: a folder, an installed package, or a config file (.cfg)."),
]
DevelopmentData = Annotated[
    Path,
    Argument(
        help="Development documents, a .spacy file or a folder of them. Do not use the training "
        "documents.",
        exists=True,
    ),
]
Component = Annotated[str, Option(help="Name of the generative_ner component in the pipeline.")]
Html = Annotated[Path | None, Option(help="HTML page to write.")]
HtmlLimit = Annotated[int, Option(help="Show at most this many documents on the page.", min=0)]
Limit = Annotated[
    int, Option(help="Score only this many documents, the first ones; 0 for all.", min=0)
]
BatchSize = Annotated[
    int | None,
    Option(help="Number of documents in a batch. Default: the pipeline's own.", min=1),
]
GpuId = Annotated[
    int,
    Option(
        "--gpu-id",
        "-g",
        help="GPU for thinc's own layers; -1 for the CPU. The language model "
        "has a `device` setting of its own in the config.",
    ),
]
