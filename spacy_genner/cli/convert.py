"""`python -m spacy genner convert`: corpora → `.spacy`."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import spacy
from spacy.tokens import DocBin
from typer import Argument, BadParameter, Option

from ..corpora.columns import Layout
from ..corpora.conversion import Output, convert_brat, convert_columns, convert_json
from ..corpora.offsets import Alignment
from ..corpora.tags import Scheme
from ..files.writing import replacing
from ..printing import msg
from . import genner
from ._pipelines import plain_errors


class InputFormat(str, Enum):
    """The kind of the input."""

    columns = "columns"
    jsonl = "jsonl"
    brat = "brat"


def _columns(value: str) -> str:
    try:
        [int(column) for column in value.split(",")]
    except ValueError as error:
        raise BadParameter(f"{value!r}: expected column numbers with commas, like 1,2,3") from error
    return value


def _found(values: list[Path]) -> list[Path]:
    """The files, compressed where they are there in that form only, and the folders."""
    places = [path if path.exists() else path.with_name(f"{path.name}.gz") for path in values]
    if missing := [
        str(path) for path, place in zip(values, places, strict=True) if not place.exists()
    ]:
        raise BadParameter(f"{', '.join(missing)}: no such file or folder, nor a .gz of it")
    return places


def _spacy_file(value: Path) -> Path:
    if value.suffix != ".spacy":
        raise BadParameter(f"{value}: the last argument is the output and must end in .spacy")
    return value


@genner.command("convert")
def convert(
    inputs: Annotated[
        list[Path],
        Argument(help="Files to read, plain or .gz; for brat folders too", callback=_found),
    ],
    output: Annotated[Path, Argument(help="The .spacy file to write", callback=_spacy_file)],
    format: Annotated[
        InputFormat, Option(help="columns: CoNLL; jsonl: JSON of many tools; brat: .txt with .ann")
    ],
    lang: Annotated[
        str, Option(help="Language code of the vocabulary and of the tokenizer for texts")
    ] = "en",
    spans_key: Annotated[
        str,
        Option(help="Group of doc.spans to write all spans into (and to read from spaCy's JSON)"),
    ] = "sc",
    max_depth: Annotated[
        int | None, Option(help="Leave out (and report) spans nested deeper", min=1)
    ] = None,
    limit: Annotated[
        int | None, Option(help="Write only so many documents, drawn at random", min=1)
    ] = None,
    seed: Annotated[int, Option(help="Seed of the draw for --limit")] = 0,
    token_column: Annotated[int, Option(help="columns: where the token is, counted from 0")] = 0,
    tag_columns: Annotated[
        str,
        Option(
            help="columns: where the tags are, like 1,2 for two levels; -1 is the last",
            callback=_columns,
        ),
    ] = "-1",
    scheme: Annotated[
        Scheme | None, Option(help="columns, jsonl: how tags are to be read; else detected")
    ] = None,
    tag_names: Annotated[
        str, Option(help="jsonl: the names of tags that are numbers, like O,B-PER,I-PER")
    ] = "",
    comment: Annotated[
        str, Option(help="columns: what comment lines start with; else there are none")
    ] = "",
    merge: Annotated[
        bool, Option("--merge", help="columns: the inputs tag the same text, one file a type")
    ] = False,
    alignment: Annotated[
        Alignment,
        Option(help="jsonl, brat: what becomes of spans that start or end inside a token"),
    ] = Alignment.expand,
    report_path: Annotated[
        Path | None, Option("--json", help="Write the report into this JSON file too")
    ] = None,
) -> None:
    """Convert annotated corpora into a .spacy file, and report all that is changed, lost or left
    out."""
    if format is not InputFormat.brat and (
        folders := [str(path) for path in inputs if path.is_dir()]
    ):
        raise BadParameter(
            f"{', '.join(folders)}: only --format brat reads folders, name the files"
        )
    what = Output(spans_key, max_depth, limit, seed)
    try:
        nlp = spacy.blank(lang)
        if format is InputFormat.columns:
            layout = Layout(
                token_column, tuple(int(column) for column in tag_columns.split(",")), comment
            )
            docs, report = convert_columns(inputs, nlp, what, layout, scheme=scheme, merge=merge)
        elif format is InputFormat.brat:
            docs, report = convert_brat(inputs, nlp, what, alignment)
        else:
            names = tag_names.split(",") if tag_names else []
            docs, report = convert_json(
                inputs, nlp, what, alignment, scheme=scheme, tag_names=names
            )
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Nothing is written", error, exits=1)
    with plain_errors():
        with replacing(output) as new:
            DocBin(docs=docs).to_disk(new)
        print(report)
        if report_path:
            with replacing(report_path) as new:
                new.write_text(
                    json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n",
                    encoding="utf-8",
                )
    if report.left_out:
        msg.warn(
            f"{sum(report.left_out.values())} records are no gold and not in the output: see left "
            "out above"
        )
    if report.lost:
        msg.warn(
            f"{sum(report.lost.values())} of {report.read} spans are not in the output: see LOST "
            "above"
        )
    msg.good(f"{report.documents} documents in {output}")
