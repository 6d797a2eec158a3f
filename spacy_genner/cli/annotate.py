"""`genner annotate`: the entities of a text file, printed, saved, and drawn on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.tokens import Doc, DocBin, Span
from tqdm import tqdm

from ..evaluation.report import write_page
from ..text import visible
from ..writing import replacing
from . import genner
from ._pipelines import Found, load, plain_errors, read_own_spans
from ._printing import msg
from ._rows import row


@genner.command("annotate")
def annotate_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")],
    input_file: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Text file in UTF-8", exists=True, dir_okay=False)
    ],
    lines: Annotated[
        bool, typer.Option("--lines", help="A document is a line, not a paragraph; blank lines are none")
    ] = False,
    spans_key: Annotated[str, typer.Option(help="Key of doc.spans; doc.ents if the pipeline does not write it")] = "sc",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write: .jsonl or .spacy")] = None,
    html: Annotated[Path | None, typer.Option(help="HTML page to write")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Documents in a batch; default: the pipeline's", min=1)] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU of thinc's own layers; -1: CPU")] = -1,
) -> None:
    """Print the entities of each paragraph of a text file, with those inside others indented."""
    with plain_errors():
        if output and output.suffix not in (".jsonl", ".spacy"):
            raise ValueError(f"--output {output}: the name must end in .jsonl or .spacy")
        texts = read_texts(input_file, lines)
        for path in filter(None, (output, html)):
            path.parent.mkdir(parents=True, exist_ok=True)
    if not texts:
        msg.warn(f"There is no text in {input_file}")
    nlp = load(model, gpu_id)
    docs: list[Doc] = []
    found = nlp.pipe(texts, batch_size=batch_size)
    for doc in tqdm(found, total=len(texts), unit="doc", leave=False, disable=None):  # None: in a terminal only
        tqdm.write(tree(doc, read_own_spans(doc, spans_key)))
        docs.append(doc)
    if len(docs) < len(texts):
        msg.warn(f"{len(texts) - len(docs)} of {len(texts)} documents failed in the pipeline and are left out")
    with plain_errors():
        if output:
            write_docs(output, docs, spans_key)
            msg.good(f"Saved {len(docs)} documents to {output}")
        if html:
            facts = {"pipeline": model, "documents": f"{len(docs):,}"}
            rows = [row(doc, read_own_spans(doc, spans_key)) for doc in docs]
            write_page(html, f"Entities of {input_file.name}", facts, rows)
            msg.good(f"Saved the page to {html}")


def read_texts(path: Path, lines: bool = False) -> list[str]:
    """The paragraphs of a text file, which blank lines separate, or its lines; without white space around them.

    Raises: ValueError for bytes that are not UTF-8.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8, "
            f"for instance with `iconv -f latin1 -t utf-8`"
        ) from error
    parts = re.split(r"\r?\n" if lines else r"\r?\n(?:[^\S\n]*\n)+", text)
    return [part.strip() for part in parts if part.strip()]


def tree(doc: Doc, found: Found) -> str:
    """The text in one line, and below it an entity a line, indented below the one that it lies in; all is `visible`."""
    lines = [visible(" ".join(doc.text.split()))]
    around: list[Span] = []
    for span, score in found:
        while around and (around[-1].end < span.end or len(around[-1]) == len(span)):
            around.pop()
        mark = [span.label_, " ".join(span.text.split()), *([] if score is None else [f"{score:.2f}"])]
        lines.append("  " * (len(around) + 1) + visible("  ".join(mark)))
        around.append(span)
    return "\n".join(lines if found else [*lines, "  no entities"])


def write_docs(path: Path, docs: Sequence[Doc], spans_key: str) -> None:
    """Write JSON lines (text, and spans with character offsets) or, for the suffix .spacy, a DocBin."""
    with replacing(path) as new:
        if path.suffix == ".spacy":
            DocBin(docs=docs).to_disk(new)
        else:
            srsly.write_jsonl(new, [{"text": doc.text, "spans": list(_records(doc, spans_key))} for doc in docs])


def _records(doc: Doc, spans_key: str) -> Iterator[dict[str, object]]:
    for span, score in read_own_spans(doc, spans_key):
        record = {"start": span.start_char, "end": span.end_char, "label": span.label_, "text": span.text}
        yield record if score is None else {**record, "score": score}
