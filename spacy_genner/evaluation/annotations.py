"""What a pipeline has found in documents, as text and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import srsly
from spacy.tokens import Doc, DocBin, Span

from ..files.writing import replacing
from ..text import visible
from .spans import Found, read_own_spans


def tree(doc: Doc, found: Found) -> str:
    """The text in one line, and below it an entity a line, indented below the one that it lies in;
    all is `visible`."""
    lines = [visible(" ".join(doc.text.split()))]
    around: list[Span] = []
    for span, score in found:
        while around and (around[-1].end < span.end or len(around[-1]) == len(span)):
            around.pop()
        mark = [
            span.label_,
            " ".join(span.text.split()),
            *([] if score is None else [f"{score:.2f}"]),
        ]
        lines.append("  " * (len(around) + 1) + visible("  ".join(mark)))
        around.append(span)
    return "\n".join(lines if found else [*lines, "  no entities"])


def write_docs(path: Path, docs: Sequence[Doc], spans_key: str) -> None:
    """Write JSON lines (text, and spans with character offsets) or, for the suffix .spacy, a
    DocBin."""
    with replacing(path) as new:
        if path.suffix == ".spacy":
            DocBin(docs=docs).to_disk(new)
        else:
            srsly.write_jsonl(
                new, [{"text": doc.text, "spans": list(_records(doc, spans_key))} for doc in docs]
            )


def _records(doc: Doc, spans_key: str) -> Iterator[dict[str, object]]:
    for span, score in read_own_spans(doc, spans_key):
        record = {
            "start": span.start_char,
            "end": span.end_char,
            "label": span.label_,
            "text": span.text,
        }
        yield record if score is None else {**record, "score": score}
