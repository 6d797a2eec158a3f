"""`python -m spacy genner debug-data`: check a corpus before training on it."""

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
        Path, Argument(help="The .spacy file to train on.", exists=True, dir_okay=False)
    ],
    dev: Annotated[
        Path, Argument(help="The .spacy file to evaluate on.", exists=True, dir_okay=False)
    ],
    spans_key: Annotated[
        str,
        Option(
            help="Key of the spans in doc.spans. If no document of a file has that key, doc.ents "
            "are used."
        ),
    ] = "sc",
    window: Annotated[
        int, Option(help="The component's `window` setting, in tokens.", min=1)
    ] = 256,
    max_depth: Annotated[
        int, Option(help="How deep the component's format can nest spans (`max_depth`).", min=1)
    ] = 4,
) -> None:
    """Check a training and a development corpus.

    Prints their labels, nesting, lengths and overlap, and warns of what cannot be learnt.
    """
    with plain_errors():
        debug_data(train, dev, spans_key, window, max_depth)


def debug_data(
    train_path: Path, dev_path: Path, spans_key: str, window: int, max_depth: int
) -> None:
    """Print the measures of two `.spacy` files side by side, and warnings for what deserves a look.

    Raises:
        ValueError: If a file cannot be read, or holds no documents.
    """
    train = statistics(read_docs(train_path), spans_key, window, max_depth)
    dev = statistics(read_docs(dev_path), spans_key, window, max_depth)
    dev_sections = sections(dev, window)
    for title, left in sections(train, window).items():
        right = dev_sections[title]
        msg.divider(title)
        rows = [(name, left.get(name, 0), right.get(name, 0)) for name in left | right]
        msg.table(rows, header=("", "train", "dev"), aligns=("l", "r", "r"))
    msg.divider("To look at")
    msg.info(
        f"{seen_share(train, dev):.1%} of the spans in dev have a text that is a span in train too"
    )
    for warning in warnings(train, dev, spans_key, window):
        msg.warn(warning)
