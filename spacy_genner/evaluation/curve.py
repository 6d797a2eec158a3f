"""The training curve: losses and development score at each evaluated step, from the log of `spacy
train`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import srsly

Points = list[tuple[float, float]]

WIDTH, HEIGHT = 320.0, 160.0
"""The drawing area of a chart, in SVG units, without its axes."""


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """One line of the log.

    Attributes:
        losses: The loss of each trained component, summed over the steps since the last evaluation.
        score: The weighted development score, a fraction.
    """

    step: int
    losses: dict[str, float]
    score: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over training steps, ready to draw.

    Attributes:
        lines: The (step, value) pairs of each line, by its name.
        note: What to say about it.
        last, top: The step at the right edge and the value at the upper edge; both axes begin at 0.
    """

    title: str
    lines: dict[str, Points]
    note: str
    last: float
    top: float

    def place(self, point: tuple[float, float]) -> tuple[float, float]:
        """Where a pair lies in the drawing area: SVG units from its upper left corner."""
        return round(point[0] / self.last * WIDTH, 1), round(
            HEIGHT - point[1] / self.top * HEIGHT, 1
        )

    def path(self, points: Points) -> str:
        """The `points` of an SVG polyline."""
        return " ".join(f"{x},{y}" for x, y in map(self.place, points))


def read_log(path: Path) -> list[LoggedStep]:
    """The log that a ConsoleLogger, spaCy's or ours, wrote to its `output_file`.

    Raises:
        ValueError: With the line that is not such a record.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read ({error}): expected a training log, UTF-8 text"
        ) from error
    return [
        _record(line, f"{path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def charts(records: list[LoggedStep]) -> list[Chart]:
    """One chart of the losses a step and one of the development score; none if no step was
    evaluated."""
    if not records:
        return []
    pipes = list(dict.fromkeys(pipe for record in records for pipe in record.losses))
    before = [-1, *(record.step for record in records)]  # the first step is step 0
    counted = [
        (record, max(1, record.step - last)) for record, last in zip(records, before, strict=False)
    ]
    losses: dict[str, Points] = {
        pipe: [
            (record.step, record.losses[pipe] / steps)
            for record, steps in counted
            if pipe in record.losses
        ]
        for pipe in pipes
    }
    best = max(records, key=lambda record: record.score)
    score: Points = [(record.step, 100 * record.score) for record in records]
    return [
        _chart("Training loss, mean of a step", losses, f"{records[-1].step} steps"),
        _chart(
            "Development score, %",
            {"score": score},
            f"best {100 * best.score:.1f} at step {best.step}",
        ),
    ]


def _record(line: str, where: str) -> LoggedStep:
    try:
        data = srsly.json_loads(line)
        losses = {pipe: _number(loss) for pipe, loss in data["losses"].items() if pipe.encode()}
        return LoggedStep(int(_number(data["step"])), losses, _number(data["score"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{where}: {line[:80]!r} is no record of a training log ({error!r}): give the file "
            "that "
            "output_file of a ConsoleLogger in [training.logger] names, and remove a line that "
            "was cut off"
        ) from error


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _chart(title: str, lines: dict[str, Points], note: str) -> Chart:
    points = [point for line in lines.values() for point in line]
    last = max((step for step, _ in points), default=0)
    return Chart(
        title, lines, note, last or 1, _ceiling(max((value for _, value in points), default=0))
    )


def _ceiling(value: float) -> float:
    """The next round number, so that the axis ends on one."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 2, 3, 4, 5, 6, 8, 10, 20) if digit * power >= value)
