"""One self-contained HTML page: scores, charts, and documents with their spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader

from ..files.writing import replacing
from .curve import Chart
from .drawing import Panel, draw, palette
from .metrics import Scores, percent


@dataclass(frozen=True, slots=True)
class Row:
    """A document on the page.

    Attributes:
        predicted: The text with its predicted spans.
        gold: The text with its gold spans; None if there are none to compare with.
        note: A remark about the document.
    """

    predicted: Panel
    gold: Panel | None = None
    note: str = ""

    @property
    def panels(self) -> dict[str, Panel]:
        """The panels by their titles, in the order of the page."""
        predicted = {"predicted": self.predicted}
        return predicted if self.gold is None else {"gold": self.gold, **predicted}

    @property
    def missed(self) -> int:
        """The number of gold spans that were not predicted."""
        return sum(mark.error for mark in self.gold.marks) if self.gold else 0

    @property
    def spurious(self) -> int:
        """The number of predicted spans that are not gold."""
        return sum(mark.error for mark in self.predicted.marks)


def write_page(
    path: Path,
    title: str,
    facts: Mapping[str, object],
    rows: Sequence[Row],
    scores: Scores | None = None,
    curve: Sequence[Chart] = (),
    reliability: Sequence[Chart] = (),
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
        draw=lambda panel: draw(panel, colours),
    )
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")


def _labels(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for panel in row.panels.values():
            for mark in panel.marks:
                yield mark.label
