"""`genner annotate`: the entities of a text file, printed, saved, and drawn on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc
from tqdm import tqdm

from ..evaluation.annotations import tree, write_docs
from ..evaluation.page import write_page
from ..evaluation.rows import row
from ..evaluation.spans import read_own_spans
from ..files.text_files import read_texts
from ..printing import msg
from . import genner
from ._pipelines import load, plain_errors


@genner.command("annotate")
def annotate_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")],
    input_file: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="Text file in UTF-8", exists=True, dir_okay=False),
    ],
    lines: Annotated[
        bool,
        typer.Option("--lines", help="A document is a line, not a paragraph; blank lines are none"),
    ] = False,
    spans_key: Annotated[
        str, typer.Option(help="Key of doc.spans; doc.ents if the pipeline does not write it")
    ] = "sc",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write: .jsonl or .spacy")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="HTML page to write")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Documents in a batch; default: the pipeline's", min=1)
    ] = None,
    gpu_id: Annotated[
        int, typer.Option("--gpu-id", "-g", help="GPU of thinc's own layers; -1: CPU")
    ] = -1,
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
    for doc in tqdm(
        found, total=len(texts), unit="doc", leave=False, disable=None
    ):  # None: in a terminal only
        tqdm.write(tree(doc, read_own_spans(doc, spans_key)))
        docs.append(doc)
    if len(docs) < len(texts):
        msg.warn(
            f"{len(texts) - len(docs)} of {len(texts)} documents failed in the pipeline and are "
            "left out"
        )
    with plain_errors():
        if output:
            write_docs(output, docs, spans_key)
            msg.good(f"Saved {len(docs)} documents to {output}")
        if html:
            facts = {"pipeline": model, "documents": f"{len(docs):,}"}
            rows = [row(doc, read_own_spans(doc, spans_key)) for doc in docs]
            write_page(html, f"Entities of {input_file.name}", facts, rows)
            msg.good(f"Saved the page to {html}")
