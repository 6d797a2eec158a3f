"""`python -m spacy genner annotate`: find the entities of a text file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from typer import Argument, Option

from ..evaluation.annotations import tree, write_docs
from ..evaluation.page import write_page
from ..evaluation.rows import row
from ..evaluation.spans import read_own_spans
from ..files.text_files import read_texts
from ..printing import msg
from . import genner
from ._options import BatchSize, GpuId, Html, Model
from ._output import make_folders
from ._pipelines import load, plain_errors


@genner.command("annotate")
def annotate_cli(
    model: Model,
    input_file: Annotated[
        Path,
        Argument(metavar="INPUT", help="Text file in UTF-8.", exists=True, dir_okay=False),
    ],
    lines: Annotated[
        bool,
        Option(
            "--lines",
            help="Treat each line, not each paragraph, as a document; blank lines are skipped.",
        ),
    ] = False,
    spans_key: Annotated[
        str,
        Option(
            help="Key of the spans in doc.spans. Of documents without that key, doc.ents are shown."
        ),
    ] = "sc",
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="File to write the documents to: .jsonl or .spacy."),
    ] = None,
    html: Html = None,
    batch_size: BatchSize = None,
    gpu_id: GpuId = -1,
) -> None:
    """Print the entities of each paragraph of a text file.

    An entity inside another one is indented below it.
    """
    with plain_errors():
        if output and output.suffix not in (".jsonl", ".spacy"):
            raise ValueError(f"--output {output}: the name must end in .jsonl or .spacy")
        texts = read_texts(input_file, lines)
        make_folders(output, html)
    if not texts:
        msg.warn(f"There is no text in {input_file}")
    nlp = load(model, gpu_id)
    docs = _annotate(nlp, texts, spans_key, batch_size)
    with plain_errors():
        if output:
            write_docs(output, docs, spans_key)
            msg.good(f"Saved {len(docs)} documents to {output}")
        if html:
            facts = {"pipeline": model, "documents": f"{len(docs):,}"}
            rows = [row(doc, read_own_spans(doc, spans_key)) for doc in docs]
            write_page(html, f"Entities of {input_file.name}", facts, rows)
            msg.good(f"Saved the page to {html}")


def _annotate(
    nlp: Language, texts: Sequence[str], spans_key: str, batch_size: int | None
) -> list[Doc]:
    """Run the pipeline, and print each document as soon as it is done."""
    docs: list[Doc] = []
    found = nlp.pipe(texts, batch_size=batch_size)
    # disable=None: the bar is only shown in a terminal
    for doc in tqdm(found, total=len(texts), unit="doc", leave=False, disable=None):
        tqdm.write(tree(doc, read_own_spans(doc, spans_key)))
        docs.append(doc)
    if len(docs) < len(texts):
        failed = len(texts) - len(docs)
        msg.warn(f"{failed} of {len(texts)} documents failed in the pipeline and are left out")
    return docs
