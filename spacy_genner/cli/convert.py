"""`python -m spacy genner convert`: turn annotated corpora into a .spacy file."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import spacy
from typer import Argument, BadParameter, Context, Option

from ..corpora.columns import Layout
from ..corpora.conversion import Output, convert_brat, convert_columns, convert_json
from ..corpora.conversion_report import Report
from ..corpora.known import KNOWN, convert_known, known_corpus
from ..corpora.offsets import Alignment
from ..corpora.spacy_files import write_doc_bin
from ..corpora.tags import Scheme
from ..files.text_files import present
from ..printing import msg
from . import genner
from ._output import write_json
from ._pipelines import plain_errors

_LAYOUT = ("token_column", "tag_columns", "scheme", "tag_names", "comment", "merge")
"""The parameters that describe the layout of the inputs."""


class InputFormat(str, Enum):
    """The kinds of input."""

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
    """Return the paths, each with .gz added where there is only a compressed file."""
    places, missing = list[Path](), list[str]()
    for path in values:
        try:
            places.append(present(path))
        except FileNotFoundError:
            missing.append(str(path))
    if missing:
        raise BadParameter(f"{', '.join(missing)}: no such file or folder, nor a .gz of it")
    return places


def _spacy_file(value: Path) -> Path:
    if value.suffix != ".spacy":
        raise BadParameter(f"{value}: the last argument is the output and must end in .spacy")
    return value


@genner.command("convert")
def convert(
    context: Context,
    inputs: Annotated[
        list[Path],
        Argument(
            help="Files to read, plain or .gz; for brat also folders; for --corpus its folder.",
            callback=_found,
        ),
    ],
    output: Annotated[Path, Argument(help="The .spacy file to write.", callback=_spacy_file)],
    format: Annotated[
        InputFormat | None,
        Option(
            help="Kind of the input. columns: CoNLL; jsonl: JSON of many tools; brat: .txt files "
            "with .ann files. Required, except for --corpus."
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        Option(help=f"Public corpus in the folder INPUTS, of known format: {', '.join(KNOWN)}."),
    ] = None,
    part: Annotated[
        str | None, Option(help="Part of the --corpus, such as train, dev or test.")
    ] = None,
    lang: Annotated[
        str | None,
        Option(
            help="Language code of the vocabulary, and of the tokenizer for texts. Default: en; "
            "with --corpus, the language and the tokenizer of the corpus."
        ),
    ] = None,
    spans_key: Annotated[
        str, Option(help="Key in doc.spans to write all spans to, and to read in spaCy's JSON.")
    ] = "sc",
    max_depth: Annotated[
        int | None, Option(help="Leave out (and report) spans that are nested deeper.", min=1)
    ] = None,
    limit: Annotated[
        int | None, Option(help="Write at most this many documents, drawn at random.", min=1)
    ] = None,
    seed: Annotated[int, Option(help="Seed for drawing the documents of --limit.")] = 0,
    token_column: Annotated[
        int, Option(help="columns: the column of the token, counted from 0.")
    ] = 0,
    tag_columns: Annotated[
        str,
        Option(
            help="columns: the columns of the tags, such as 1,2 for two levels of nesting; -1 is "
            "the last column.",
            callback=_columns,
        ),
    ] = "-1",
    scheme: Annotated[
        Scheme | None,
        Option(help="columns, jsonl: the scheme of the tags. Default: detect it."),
    ] = None,
    tag_names: Annotated[
        str, Option(help="jsonl: the names of tags that are numbers, such as O,B-PER,I-PER.")
    ] = "",
    comment: Annotated[
        str, Option(help="columns: how comment lines start. Default: there are none.")
    ] = "",
    merge: Annotated[
        bool,
        Option("--merge", help="columns: the inputs tag the same text, each with another type."),
    ] = False,
    alignment: Annotated[
        Alignment,
        Option(
            help="jsonl, brat, --corpus: what happens to spans that start or end inside a token. "
            "strict: they are lost; contract: they shrink; expand: they grow."
        ),
    ] = Alignment.expand,
    report_path: Annotated[
        Path | None, Option("--json", help="JSON file to write the report to as well.")
    ] = None,
) -> None:
    """Convert annotated corpora into a .spacy file.

    Prints a report of what is changed, lost or left out. Options whose help starts with the names
    of formats are for these only.
    """
    _check(inputs, format, corpus, part)
    if corpus:
        _refuse_layout(context)
    settings = Output(spans_key, max_depth, limit, seed)
    try:
        if corpus and not lang:
            nlp = known_corpus(corpus).training.blank()
        else:
            nlp = spacy.blank(lang or "en")
        if corpus and part:
            docs, report = convert_known(corpus, part, inputs[0], nlp, settings, alignment)
        elif format is InputFormat.columns:
            columns = tuple(int(column) for column in tag_columns.split(","))
            layout = Layout(token_column, columns, comment)
            docs, report = convert_columns(
                inputs, nlp, settings, layout, scheme=scheme, merge=merge
            )
        elif format is InputFormat.brat:
            docs, report = convert_brat(inputs, nlp, settings, alignment)
        else:
            names = tag_names.split(",") if tag_names else []
            docs, report = convert_json(
                inputs, nlp, settings, alignment, scheme=scheme, tag_names=names
            )
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Nothing is written", error, exits=1)
    with plain_errors():
        write_doc_bin(output, docs)
        print(report)
        if report_path:
            write_json(report_path, report.to_dict())
    _warn(report)
    msg.good(f"{report.documents} documents in {output}")


def _check(
    inputs: list[Path], format: InputFormat | None, corpus: str | None, part: str | None
) -> None:
    """Check that the options say in one way how the inputs are to be read."""
    folders = [str(path) for path in inputs if path.is_dir()]
    if bool(corpus) is bool(format):
        raise BadParameter("give either --format or --corpus")
    if bool(corpus) is not bool(part):
        raise BadParameter("--corpus and --part go together: give both of them, or neither")
    if corpus and (len(inputs) > 1 or not folders):
        raise BadParameter("--corpus reads one folder, that of the corpus, and no files")
    if folders and not corpus and format is not InputFormat.brat:
        raise BadParameter(
            f"{', '.join(folders)}: only --format brat and --corpus read folders: name the files "
            "instead"
        )


def _refuse_layout(context: Context) -> None:
    """Check that no option is given that describes a format: `--corpus` knows its format."""
    given = [
        option.opts[0]
        for option in context.command.params
        if option.name in _LAYOUT and context.params[option.name] != option.default
    ]
    if given:
        raise BadParameter(
            f"{', '.join(given)}: --corpus knows the format of its files: leave these options out"
        )


def _warn(report: Report) -> None:
    if report.left_out:
        count = sum(report.left_out.values())
        msg.warn(f"{count} records are not in the output: see left out above")
    if report.lost:
        count = sum(report.lost.values())
        msg.warn(f"{count} of {report.read} spans are not in the output: see LOST above")
