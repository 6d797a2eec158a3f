"""What to know about a training and a development corpus before training on them."""

from __future__ import annotations

from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin

from .statistics import Statistics, shared_texts


def read_docs(path: Path) -> list[Doc]:
    """The documents of a .spacy file.

    Raises:
        ValueError: If it is not one, or has no document.
    """
    try:
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is no .spacy file ({error}): write it with convert") from error
    if not docs:
        raise ValueError(f"{path}: there is no document in it")
    return docs


def sections(part: Statistics, window: int) -> dict[str, dict[str, int | str]]:
    """The measures of a corpus as tables: title → name → value."""
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
            lines.append(
                f"{name}: no document has spans under {spans_key!r}: doc.ents are taken instead"
            )
        if only := sorted(part.labels.keys() - other.labels.keys()):
            lines.append(f"{name}: labels that the other part lacks: {', '.join(only)}")
        if part.split:
            lines.append(
                f"{name}: {part.split} documents are split: longer than the window of {window} "
                "tokens"
            )
        if part.white_space_edges:
            lines.append(f"{name}: {part.white_space_edges} spans start or end with white space")
        lines += [
            f"{name}: {count} spans cannot be learned: {reason}"
            for reason, count in part.unusable.items()
        ]
    if shared := shared_texts(train, dev):
        lines.append(
            f"{shared} documents of dev have the text of a document of train: scores will flatter"
        )
    return lines
