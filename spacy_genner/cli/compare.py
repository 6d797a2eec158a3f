"""`python -m spacy genner compare`: print the metrics of several systems as one Markdown table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import spacy
import typer

from ..corpora.spacy_files import read_corpus
from ..evaluation.comparison import Comparison, read_comparison
from ..evaluation.page import write_page
from ..evaluation.running import annotated, gold_documents
from ..evaluation.side_by_side import rows, systems_on, tables
from ..printing import msg
from . import genner
from ._options import Html, HtmlLimit
from ._output import make_folders
from ._pipelines import plain_errors


@genner.command("compare")
def compare_cli(
    metrics: Annotated[
        list[Path],
        typer.Argument(
            help="JSON files that `genner evaluate --output` wrote, or folders of them.",
            exists=True,
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            help="Name of the system that the others are compared with. Default: the first one."
        ),
    ] = "",
    html: Html = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            help="Documents that the systems were evaluated on, to show them on the page.",
            exists=True,
        ),
    ] = None,
    spans_key: Annotated[
        str, typer.Option(help="Key of the gold spans in doc.spans, as for `genner evaluate`.")
    ] = "sc",
    html_limit: HtmlLimit = 100,
) -> None:
    """Compare the metrics of several systems in a table.

    The table is Markdown, with a row for each system: files with the same --name that are of the
    same documents are runs of one system, and the row has their means. Rates are in percent. The
    difference in F1 to one of the systems has its 95 % interval and p-value, by a paired bootstrap
    over documents. The training time is known for pipelines that `genner train` trained.

    With --html, the table is also on a page, with the documents in which the spans of the systems
    differ most.
    """
    with plain_errors():
        if (html is None) != (gold is None):
            raise ValueError("--html and --gold belong together: give both, or neither of them")
        comparison = read_comparison(metrics, against)
        typer.echo(comparison.table.markdown)
        if html and gold:
            make_folders(html)
            _write(html, comparison, gold, spans_key, html_limit)
            msg.good(f"Saved the page to {html}")


def _write(html: Path, comparison: Comparison, gold: Path, spans_key: str, limit: int) -> None:
    """Write the page."""
    examples = annotated(read_corpus(gold, spacy.blank("xx")), spans_key)
    documents = gold_documents(examples, spans_key)
    systems = systems_on(comparison, documents)
    title = f"{', '.join(system.name for system in systems)} on {gold.name}"
    facts = {"documents": f"{len(systems[0].counts):,}", "compared with": comparison.against}
    shown = rows(systems, documents, limit)
    write_page(html, title, facts, shown, tables=[comparison.table, *tables(systems)])
