"""Checks of a training and a development corpus before training on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin

from .statistics import Statistics, shared_texts


def read_docs(path: Path) -> list[Doc]:
    """Read the documents of a .spacy file.

    Raises:
        ValueError: If it is not a .spacy file.
        ValueError: If there is no document in it.
    """
    try:
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is not a .spacy file ({error}): write it with `genner convert`"
        ) from error
    if not docs:
        raise ValueError(f"{path}: there is no document in it")
    return docs


def sections(part: Statistics, window: int) -> dict[str, dict[str, int | str]]:
    """Return the measures of a corpus as tables: titles, names of measures, and values.

    Args:
        part: The measures of the corpus.
        window: The window that they were computed for, in tokens.
    """
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
    """Return a sentence for each thing in the two corpora that may harm training or evaluation.

    Args:
        train: The measures of the training corpus.
        dev: The measures of the development corpus.
        spans_key: The key of the spans that they were computed for.
        window: The window that they were computed for, in tokens.
    """
    lines = [f"train: {line}" for line in _warnings(train, dev, spans_key, window)]
    lines += [f"dev: {line}" for line in _warnings(dev, train, spans_key, window)]
    if shared := shared_texts(train, dev):
        lines.append(
            f"{shared} documents of dev have the text of a document of train: scores will be too "
            "high"
        )
    return lines


def _warnings(part: Statistics, other: Statistics, spans_key: str, window: int) -> Iterator[str]:
    if part.from_ents:
        yield f"no document has spans under {spans_key!r}: doc.ents are used instead"
    if only := sorted(part.labels.keys() - other.labels.keys()):
        yield f"labels that the other part lacks: {', '.join(only)}"
    if part.split:
        yield f"{part.split} documents are split: longer than the window of {window} tokens"
    if part.white_space_edges:
        yield f"{part.white_space_edges} spans start or end with white space"
    for reason, count in part.unusable.items():
        yield f"{count} spans cannot be learnt: {reason}"
