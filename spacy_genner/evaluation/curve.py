"""The training curve: losses and development score at each evaluated step, from a training log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import srsly

from .chart import Chart, Points, chart


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """One line of the log.

    Attributes:
        step: The number of the step, from 0.
        losses: The loss of each trained component, summed over the steps since the last evaluation.
        score: The weighted development score, a fraction.
    """

    step: int
    losses: dict[str, float]
    score: float


def read_log(path: Path) -> list[LoggedStep]:
    """Read the log that a ConsoleLogger, spaCy's or ours, wrote to its `output_file`.

    Raises:
        ValueError: If the file is not UTF-8 text.
        ValueError: If a line is not a record of a log; the error names the line.
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


def charts(records: Sequence[LoggedStep]) -> list[Chart]:
    """Return a chart of the mean loss of a step, and one of the development score.

    Args:
        records: The evaluated steps, in their order. If there are none, there are no charts.
    """
    if not records:
        return []
    losses: dict[str, Points] = {}
    last = -1  # the first step is step 0
    for record in records:
        steps = max(1, record.step - last)
        last = record.step
        for pipe, loss in record.losses.items():
            losses.setdefault(pipe, []).append((record.step, loss / steps))
    best = max(records, key=lambda record: record.score)
    score: Points = [(record.step, 100 * record.score) for record in records]
    return [
        chart("Training loss, mean of a step", losses, f"{last} steps", "step"),
        chart(
            "Development score, %",
            {"score": score},
            f"best {100 * best.score:.1f} at step {best.step}",
            "step",
        ),
    ]


def _record(line: str, where: str) -> LoggedStep:
    try:
        data = srsly.json_loads(line)
        losses = {}
        for pipe, loss in data["losses"].items():
            pipe.encode()  # a lone surrogate could not be written to the page
            losses[pipe] = _number(loss)
        return LoggedStep(int(_number(data["step"])), losses, _number(data["score"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{where}: {line[:80]!r} is not a record of a training log ({error!r}): give the file "
            "that output_file of a ConsoleLogger in [training.logger] names, and remove a line "
            "that was cut off"
        ) from error


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)
