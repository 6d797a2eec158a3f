"""`python -m spacy genner debug-data`: what to know about a corpus before training on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import spacy
from spacy.tokens import Doc, DocBin
from typer import Argument, Option

from ..corpora.statistics import Statistics, seen_share, shared_texts, statistics
from . import genner
from ._pipelines import plain_errors
from ._printing import msg


@genner.command("debug-data")
def debug_data_command(
    train: Annotated[Path, Argument(help="The .spacy file to train on", exists=True, dir_okay=False)],
    dev: Annotated[Path, Argument(help="The .spacy file to evaluate on", exists=True, dir_okay=False)],
    spans_key: Annotated[str, Option(help="Group of doc.spans that holds the gold spans")] = "sc",
    window: Annotated[int, Option(help="The component's window in tokens", min=1)] = 256,
    max_depth: Annotated[int, Option(help="The depth of nesting that the component's format can write", min=1)] = 4,
) -> None:
    """Check a training and a development corpus: labels, nesting, lengths, overlap, and what cannot be learned."""
    with plain_errors():
        debug_data(train, dev, spans_key, window, max_depth)


def debug_data(train_path: Path, dev_path: Path, spans_key: str, window: int, max_depth: int) -> None:
    """Print the measures of two `.spacy` files side by side, and warnings for what deserves a look.

    Raises: ValueError for a file that cannot be read.
    """
    train, dev = (statistics(_docs(path), spans_key, window, max_depth) for path in (train_path, dev_path))

    for title, left in _sections(train, window).items():
        right = _sections(dev, window)[title]
        msg.divider(title)
        rows = [(name, left.get(name, 0), right.get(name, 0)) for name in left | right]
        msg.table(rows, header=("", "train", "dev"), aligns=("l", "r", "r"))
    msg.divider("To look at")
    msg.info(f"{seen_share(train, dev):.1%} of the spans in dev have a text that is a span in train too")
    for warning in warnings(train, dev, spans_key, window):
        msg.warn(warning)


def _docs(path: Path) -> list[Doc]:
    try:
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is no .spacy file ({error}): write it with convert") from error
    if not docs:
        raise ValueError(f"{path}: there is no document in it")
    return docs


def _sections(part: Statistics, window: int) -> dict[str, dict[str, int | str]]:
    documents: dict[str, int | str] = {
        "documents": part.documents,
        "without spans": part.without_spans,
        "tokens": part.tokens,
        "longest document": part.longest,
        f"over {window} tokens": part.split,
    }
    spans: dict[str, int | str] = {
        "spans": part.spans,
        "nested": f"{part.nested / max(part.spans, 1):.1%}",
        "on white space": part.white_space_edges,
        **part.unusable,
        **{f"depth {depth}": count for depth, count in sorted(part.depths.items())},
    }
    return {"Documents": documents, "Spans": spans, "Labels": dict(sorted(part.labels.items()))}


def warnings(train: Statistics, dev: Statistics, spans_key: str, window: int) -> list[str]:
    """A sentence for each thing in the two corpora that may harm training or evaluation."""
    lines = []
    for name, part, other in (("train", train, dev), ("dev", dev, train)):
        if part.from_ents:
            lines.append(f"{name}: no document has spans under {spans_key!r}: doc.ents are taken instead")
        if only := sorted(part.labels.keys() - other.labels.keys()):
            lines.append(f"{name}: labels that the other part lacks: {', '.join(only)}")
        if part.split:
            lines.append(f"{name}: {part.split} documents are split: longer than the window of {window} tokens")
        if part.white_space_edges:
            lines.append(f"{name}: {part.white_space_edges} spans start or end with white space")
        lines += [f"{name}: {count} spans cannot be learned: {reason}" for reason, count in part.unusable.items()]
    if shared := shared_texts(train, dev):
        lines.append(f"{shared} documents of dev have the text of a document of train: scores will flatter")
    return lines
