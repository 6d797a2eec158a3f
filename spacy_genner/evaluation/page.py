"""One self-contained HTML page: scores, training curve, and documents with their spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader

from ..files.writing import replacing
from .curve import Chart
from .drawing import Panel, draw, palette
from .metrics import Scores


@dataclass(frozen=True, slots=True)
class Row:
    """A document on the page.

    Attributes:
        gold: None if the document has no gold spans to compare with.
        note: What else there is to say about it.
    """

    predicted: Panel
    gold: Panel | None = None
    note: str = ""

    @property
    def panels(self) -> dict[str, Panel]:
        """Its panels by their titles, in the order of the page."""
        return (
            {"predicted": self.predicted}
            if self.gold is None
            else {"gold": self.gold, "predicted": self.predicted}
        )

    @property
    def missed(self) -> int:
        """How many gold spans were not predicted."""
        return sum(mark.error for mark in self.gold.marks) if self.gold else 0

    @property
    def spurious(self) -> int:
        """How many predicted spans are not gold."""
        return sum(mark.error for mark in self.predicted.marks)


def write_page(
    path: Path,
    title: str,
    facts: Mapping[str, object],
    rows: Sequence[Row],
    scores: Scores | None = None,
    curve: Sequence[Chart] = (),
) -> None:
    """Write the page.

    Args:
        facts: What stands under the title: name → value.
        rows: The documents to show.

    Raises:
        OSError: If it cannot be written.
    """
    environment = Environment(loader=PackageLoader("spacy_genner.evaluation", "."), autoescape=True)
    environment.filters["percent"] = lambda rate: "–" if rate is None else f"{100 * rate:.1f}"
    colours = palette(
        mark.label for row in rows for panel in row.panels.values() for mark in panel.marks
    )
    page = environment.get_template("page.html.jinja").render(
        title=title,
        facts=facts,
        rows=rows,
        scores=scores,
        curve=curve,
        draw=lambda panel: draw(panel, colours),
    )
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")
