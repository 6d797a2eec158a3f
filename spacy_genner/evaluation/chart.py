"""Line charts, drawn as SVG by the template of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

Points = list[tuple[float, float]]

WIDTH, HEIGHT = 320.0, 160.0
"""The size of a chart's drawing area, in SVG units, without the axes."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines, ready to draw. Both axes begin at 0.

    Attributes:
        title: The title of the chart.
        lines: The pairs (x, value) of each line, by its name.
        note: A remark beside the title.
        last: The x at the right edge.
        top: The value at the upper edge.
        axis: What x is.
    """

    title: str
    lines: dict[str, Points]
    note: str
    last: float
    top: float
    axis: str

    def place(self, point: tuple[float, float]) -> tuple[float, float]:
        """Return where a pair (x, value) lies in the drawing area.

        Returns:
            The distances from the left and from the upper edge, in SVG units.
        """
        x, value = point
        right = round(x / self.last * WIDTH, 1)
        down = round(HEIGHT - value / self.top * HEIGHT, 1)
        return right, down

    def path(self, points: Points) -> str:
        """Return the `points` attribute of an SVG polyline."""
        return " ".join(f"{x},{y}" for x, y in map(self.place, points))


def chart(title: str, lines: dict[str, Points], note: str, axis: str) -> Chart:
    """Return a chart whose vertical axis ends on a round number."""
    last = top = 0.0
    for line in lines.values():
        for x, value in line:
            last = max(last, x)
            top = max(top, value)
    return Chart(title, lines, note, last or 1, _ceiling(top), axis)


def _ceiling(value: float) -> float:
    """Return the next round number, so that the axis ends on one."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 2, 3, 4, 5, 6, 8, 10, 20) if digit * power >= value)
