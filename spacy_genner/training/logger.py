"""The log of a training: spaCy's table and, between its rows, the number of steps done so far."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import IO, Any

from spacy.language import Language
from spacy.training.loggers import console_logger_v3
from tqdm import tqdm
from wasabi.printer import Printer

SECONDS = 30.0
"""The time between two lines of progress where there is no terminal."""

Log = tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]
"""Two functions: one called at each step, with the results if there was an evaluation (else None),
and one called when training ends."""


def make_logger(output_file: str | None = None) -> Callable[..., Log]:
    """Make a logger like `spacy.ConsoleLogger.v3` that also shows how many steps are done.

    In a terminal the steps are a progress bar; in a file or a pipe they are a line now and then.
    spaCy's own bar shows nothing there, and fails where `max_steps` is a variable of the config.
    When training ends, the logger warns if no evaluation was better than the first one.

    Args:
        output_file: JSON lines to write, one for each evaluation. An existing file is left alone.
    """
    make_table = console_logger_v3(output_file=output_file)

    def setup(nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr) -> Log:
        log_row, close_table = make_table(nlp, stdout, stderr)
        steps = nlp.config.interpolate()["training"]["max_steps"]
        progress = Progress(0, steps, stderr)
        checkpoints: list[tuple[float, int]] = []

        def log(info: dict[str, Any] | None) -> None:
            nonlocal progress, checkpoints
            if info is None:
                progress.advance()
            else:
                progress.close()
                log_row(info)
                checkpoints = info["checkpoints"]
                progress = Progress(info["step"], steps, stderr)

        def close() -> None:
            progress.close()
            close_table()
            if warning := first_is_best([score for score, _ in checkpoints]):
                print(Printer(no_print=True).warn(warning), file=stdout, flush=True)

        return log, close

    return setup


def remove_log(logger: Mapping[str, Any]) -> None:
    """Remove the file that a console logger wrote in an earlier training.

    The console loggers do not write to a file that exists: without this, a second training would
    write no log and leave that of the first one in its place.

    Args:
        logger: The section [training.logger] of a config, interpolated.

    Raises:
        OSError: If the file cannot be removed.
    """
    if ".ConsoleLogger." in logger["@loggers"] and logger.get("output_file"):
        Path(logger["output_file"]).unlink(missing_ok=True)


def first_is_best(scores: Sequence[float]) -> str:
    """Return a warning if the best evaluation is the first one, which spaCy makes after one step.

    Args:
        scores: The scores of the evaluations, in their order. Of equal ones, spaCy takes the last.

    Returns:
        The warning, or an empty string if a later evaluation was as good or better.
    """
    if not scores or scores[0] <= max(scores[1:], default=-math.inf):
        return ""
    if scores[1:]:
        reason = "no later one was as good"
    else:
        reason = "[training] eval_frequency leaves no room for a later one"
    return (
        "model-best is hardly trained: it comes from the first evaluation, after one step, and "
        f"{reason}"
    )


def weighted(
    weights: Mapping[str, float | None], evaluations: Iterable[Mapping[str, Any]]
) -> list[float]:
    """Return the score of each evaluation by which spaCy compares them.

    Args:
        weights: The section [training.score_weights] of a config.
        evaluations: The results of each evaluation.
    """
    used = {name: weight for name, weight in weights.items() if weight}
    return [
        sum((found.get(name) or 0.0) * weight for name, weight in used.items())
        for found in evaluations
    ]


class Progress:
    """A display of how many steps are done.

    Args:
        done: How many steps are done already.
        total: How many steps there are; 0 if nobody knows.
        stream: Where to show the progress.
    """

    def __init__(self, done: int, total: int, stream: IO[str]) -> None:
        self._lines = None if stream.isatty() else stream
        place: dict[str, Any] = {"file": stream}
        if self._lines:
            # The bar only formats the lines that `advance` prints: it draws nothing itself, and
            # with 0 columns it formats numbers alone.
            place = {"file": StringIO(), "ncols": 0}
        self._bar = tqdm(total=total or None, initial=done, unit="step", leave=False, **place)
        self._shown = monotonic()

    def advance(self) -> None:
        """Count one more step as done."""
        self._bar.update()
        if self._lines and monotonic() - self._shown >= SECONDS:
            print(self._bar, file=self._lines, flush=True)
            self._shown = monotonic()

    def close(self) -> None:
        """Remove the display, to make room for other output."""
        self._bar.close()
