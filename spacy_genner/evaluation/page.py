"""One self-contained HTML page: scores, tables, charts, and documents with their spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader

from ..files.writing import replacing
from .chart import Chart
from .drawing import Panel, draw, palette
from .errors import Confusion
from .metrics import Scores, percent
from .table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """A document on the page.

    Attributes:
        panels: The text with the spans of each side, such as gold and predicted ones.
        errors: What is wrong with the predicted spans, such as "2 missed".
        note: A remark about the document.
    """

    panels: Sequence[Panel]
    errors: Sequence[str] = ()
    note: str = ""


def write_page(
    path: Path,
    title: str,
    facts: Mapping[str, object],
    rows: Sequence[Row],
    scores: Scores | None = None,
    curve: Sequence[Chart] = (),
    reliability: Sequence[Chart] = (),
    tables: Sequence[Table] = (),
    confusion: Confusion | None = None,
) -> None:
    """Write the page.

    Args:
        path: The HTML file to write.
        title: The title of the page.
        facts: What is shown below the title: names and values.
        rows: The documents to show.
        scores: The scores to show, if there are gold spans.
        curve: The charts of the training, if its log is known.
        reliability: The charts of the reliability of scores, if the spans have some.
        tables: Other tables to show.
        confusion: The labels that are taken for one another, if there are gold spans.

    Raises:
        OSError: If the file cannot be written.
    """
    environment = Environment(loader=PackageLoader("spacy_genner.evaluation", "."), autoescape=True)
    environment.filters["percent"] = percent
    colours = palette(_labels(rows))
    page = environment.get_template("page.html.jinja").render(
        title=title,
        facts=facts,
        rows=rows,
        scores=scores,
        charts={"Training": curve, "Reliability of scores": reliability},
        tables=tables,
        confusion=confusion,
        draw=lambda panel: draw(panel, colours),
    )
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")


def _labels(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for panel in row.panels:
            for mark in panel.marks:
                yield mark.label
