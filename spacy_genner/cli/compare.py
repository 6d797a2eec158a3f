"""`python -m spacy genner compare`: print the metrics of several systems as one Markdown table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..evaluation.comparison import compare
from . import genner
from ._pipelines import plain_errors


@genner.command("compare")
def compare_cli(
    metrics: Annotated[
        list[Path],
        typer.Argument(
            help="JSON files that `genner evaluate --output` wrote, or folders of them.",
            exists=True,
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            help="Name of the system that the others are compared with. Default: the first one."
        ),
    ] = "",
) -> None:
    """Compare the metrics of several systems in a table.

    The table is Markdown, with a row for each system: files with the same --name that are of the
    same documents are runs of one system, and the row has their means. Rates are in percent. The
    difference in F1 to one of the systems has its 95 % interval and p-value, by a paired bootstrap
    over documents. The training time is known for pipelines that `genner train` trained.
    """
    with plain_errors():
        typer.echo(compare(metrics, against))
