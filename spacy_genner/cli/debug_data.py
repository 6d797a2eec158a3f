"""`python -m spacy genner debug-data`: what to know about a corpus before training on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ..corpora.checking import read_docs, sections, warnings
from ..corpora.statistics import seen_share, statistics
from ..printing import msg
from . import genner
from ._pipelines import plain_errors


@genner.command("debug-data")
def debug_data_command(
    train: Annotated[
        Path, Argument(help="The .spacy file to train on", exists=True, dir_okay=False)
    ],
    dev: Annotated[
        Path, Argument(help="The .spacy file to evaluate on", exists=True, dir_okay=False)
    ],
    spans_key: Annotated[str, Option(help="Group of doc.spans that holds the gold spans")] = "sc",
    window: Annotated[int, Option(help="The component's window in tokens", min=1)] = 256,
    max_depth: Annotated[
        int, Option(help="The depth of nesting that the component's format can write", min=1)
    ] = 4,
) -> None:
    """Check a training and a development corpus: labels, nesting, lengths, overlap, and what cannot
    be learned."""
    with plain_errors():
        debug_data(train, dev, spans_key, window, max_depth)


def debug_data(
    train_path: Path, dev_path: Path, spans_key: str, window: int, max_depth: int
) -> None:
    """Print the measures of two `.spacy` files side by side, and warnings for what deserves a look.

    Raises:
        ValueError: For a file that cannot be read.
    """
    train, dev = (
        statistics(read_docs(path), spans_key, window, max_depth) for path in (train_path, dev_path)
    )

    for title, left in sections(train, window).items():
        right = sections(dev, window)[title]
        msg.divider(title)
        rows = [(name, left.get(name, 0), right.get(name, 0)) for name in left | right]
        msg.table(rows, header=("", "train", "dev"), aligns=("l", "r", "r"))
    msg.divider("To look at")
    msg.info(
        f"{seen_share(train, dev):.1%} of the spans in dev have a text that is a span in train too"
    )
    for warning in warnings(train, dev, spans_key, window):
        msg.warn(warning)
