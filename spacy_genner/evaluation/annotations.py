"""The entities that a pipeline found in documents, as text and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import srsly
from spacy.tokens import Doc, Span

from ..corpora.spacy_files import write_doc_bin
from ..files.writing import replacing
from ..text import visible
from .spans import Found, read_own_spans


def tree(doc: Doc, found: Found) -> str:
    """Draw the text in one line and, below it, each entity in a line of its own.

    An entity inside another one is indented below it. Control characters are made `visible`.
    """
    lines = [visible(" ".join(doc.text.split()))]
    around: list[Span] = []
    for span, score in found:
        while around and (around[-1].end < span.end or len(around[-1]) == len(span)):
            around.pop()
        parts = [span.label_, " ".join(span.text.split())]
        if score is not None:
            parts.append(f"{score:.2f}")
        lines.append("  " * (len(around) + 1) + visible("  ".join(parts)))
        around.append(span)
    if not found:
        lines.append("  no entities")
    return "\n".join(lines)


def write_docs(path: Path, docs: Sequence[Doc], spans_key: str) -> None:
    """Write documents with their spans to a file.

    Args:
        path: The file. With the suffix .spacy it is a DocBin, else JSON lines that each have a text
            and its spans with character offsets.
        docs: The documents.
        spans_key: The key of the spans in `doc.spans`; `doc.ents` where a document lacks it.

    Raises:
        OSError: If the file cannot be written.
    """
    if path.suffix == ".spacy":
        write_doc_bin(path, docs)
        return
    lines = [{"text": doc.text, "spans": list(_records(doc, spans_key))} for doc in docs]
    with replacing(path) as new:
        srsly.write_jsonl(new, lines)


def _records(doc: Doc, spans_key: str) -> Iterator[dict[str, object]]:
    for span, score in read_own_spans(doc, spans_key):
        record = {
            "start": span.start_char,
            "end": span.end_char,
            "label": span.label_,
            "text": span.text,
        }
        yield record if score is None else {**record, "score": score}
