"""`python -m spacy genner download`: download base weights, or list those that are known."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from ..printing import msg
from . import genner


@genner.command("download")
def download_cli(
    name: Annotated[
        str | None, Argument(help="Name of the weights. Without it, the known ones are listed.")
    ] = None,
    force: Annotated[
        bool, Option("--force", "-f", help="Download the weights again, and replace what is there.")
    ] = False,
    list_known: Annotated[
        bool, Option("--list", "-l", help="List the known weights with their size and licence.")
    ] = False,
) -> None:
    """Download base weights into the cache folder.

    They come from the package index, and are only fetched once. The cache folder is
    $SPACY_GENNER_CACHE if that is set, else spacy-genner in the user's cache folder.
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

    rows = []
    for name, package in PACKAGES.items():
        folder = installed(name) or "not downloaded"
        rows.append((name, package.about, f"{package.megabytes} MB", package.licence, folder))
    header = ("Name", "Weights", "Download", "Licence", "Folder")
    msg.table(rows, header=header, divider=True, max_col=100)
