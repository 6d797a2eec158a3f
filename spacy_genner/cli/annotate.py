"""`python -m spacy genner annotate`: find the entities of texts, be they a few or millions."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ..annotating.inputs import Inputs
from ..annotating.outputs import Output
from ..annotating.run import Run
from ..evaluation.page import write_page
from ..evaluation.rows import row
from ..evaluation.spans import read_own_spans
from ..files.writing import replacing
from ..printing import msg
from . import genner
from ._annotating import (
    KINDS,
    STANDARD,
    crew_of,
    format_of,
    is_folder,
    loader,
    print_all,
    write_parts,
    write_stream,
)
from ._options import BatchSize, GpuId, Html, Model
from ._output import make_folders
from ._pipelines import load, plain_errors


class OutputFormat(str, Enum):
    """The formats of the output."""

    jsonl = "jsonl"
    parquet = "parquet"
    spacy = "spacy"
    label_studio = "label-studio"
    prodigy = "prodigy"
    presidio = "presidio"


@genner.command("annotate")
def annotate_cli(
    model: Model,
    input_file: Annotated[
        Path,
        Argument(
            metavar="INPUT",
            help="Texts: a .txt, .jsonl, .csv, .tsv, .parquet or .spacy file, a folder of them, or "
            "- for lines of text or JSON from standard input. Any other file is read as text.",
        ),
    ],
    lines: Annotated[
        bool,
        Option(
            "--lines",
            help="Treat each line, not each paragraph, as a document; blank lines are skipped. In "
            "a folder, a .txt file is one document without this option.",
        ),
    ] = False,
    text_field: Annotated[
        str, Option(help="Name of the field or column that has the text.")
    ] = "text",
    id_field: Annotated[
        str, Option(help="Name of the field or column that identifies a document, if there is one.")
    ] = "id",
    spans_key: Annotated[
        str,
        Option(
            help="Key of the spans in doc.spans. Of documents without that key, doc.ents are shown."
        ),
    ] = "sc",
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            help="Where to write the documents: a folder, for inputs of any size; a .jsonl, "
            ".parquet or .spacy file; or - for JSON lines on standard output.",
        ),
    ] = None,
    format: Annotated[
        OutputFormat | None,
        Option(
            help="Format of the output. Default: that of the suffix of the file, or else jsonl. "
            "label-studio, prodigy and presidio are for these tools."
        ),
    ] = None,
    part_size: Annotated[
        int, Option(help="Folders: number of documents in each file.", min=1)
    ] = 1000,
    workers: Annotated[
        int | None,
        Option(
            help="Folders: number of processes, or of workers of --ray, each with a pipeline of "
            "its own. Default: one for each of --devices, or else 1.",
            min=1,
        ),
    ] = None,
    devices: Annotated[
        str | None,
        Option(help="Folders: GPUs for the processes, such as 0,1, as in CUDA_VISIBLE_DEVICES."),
    ] = None,
    ray: Annotated[
        str | None,
        Option(
            help="Folders: share the work by Ray: local, on this machine; auto, on the cluster "
            "that it is part of; or the address of a cluster."
        ),
    ] = None,
    cpus_per_worker: Annotated[
        float, Option(help="--ray: CPUs of each worker, and its number of threads.", min=0)
    ] = 1,
    gpus_per_worker: Annotated[
        float, Option(help="--ray: GPUs of each worker; 0.5, for example, if two share one.", min=0)
    ] = 0,
    html: Html = None,
    batch_size: BatchSize = None,
    gpu_id: GpuId = -1,
) -> None:
    """Find the entities of texts.

    Without an output folder, the entities of each document are printed, those inside others
    indented. With one, documents are written into it in parts, in constant memory; if the command
    is killed and run again, it goes on where it was.
    """
    with plain_errors(KINDS):
        inputs = Inputs.of(input_file, lines=lines, text_field=text_field, id_field=id_field)
        if text_field == "spans":
            raise ValueError("--text-field spans: the output has the entities there: rename it")
        how = Output(format_of(output, format and format.value), spans_key)
        if output is not None and is_folder(output):
            if html:
                raise ValueError("--html is for a few documents: leave out the output folder")
            sharing = crew_of(workers, devices, ray, cpus_per_worker, gpus_per_worker)
            # A worker sees its GPU as the first one.
            own_gpu = 0 if gpu_id >= 0 and (devices or gpus_per_worker) else gpu_id
            load_it = loader(model, own_gpu, carried=bool(ray))
            write_parts(Run(model, load_it, output, how, part_size, batch_size, sharing), inputs)
            return
        if workers or devices or ray:
            raise ValueError("--workers, --devices and --ray are for a folder as --output")
        make_folders(output, html)
    nlp = load(model, gpu_id)
    with plain_errors(KINDS):
        if output == STANDARD:
            write_stream(nlp, inputs, how, batch_size)
            return
        rows = print_all(nlp, inputs, how, batch_size, keep=bool(output or html))
        if output:
            with replacing(output) as new:
                how.write(new, rows)
            msg.good(f"Saved {len(rows)} documents to {output}")
        if html:
            facts = {"pipeline": model, "documents": f"{len(rows):,}"}
            shown = [row(doc, read_own_spans(doc, spans_key)) for _, doc in rows]
            write_page(html, f"Entities of {input_file.name}", facts, shown)
            msg.good(f"Saved the page to {html}")
