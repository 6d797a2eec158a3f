"""`genner compare`: the metrics of several systems as one Markdown table."""

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
            help="JSON files that `genner evaluate` wrote, or folders of them", exists=True
        ),
    ],
) -> None:
    """Print one Markdown table: a row for each metrics file, rates in percent. Training is timed by
    `genner train`."""
    with plain_errors():
        typer.echo(compare(metrics))
