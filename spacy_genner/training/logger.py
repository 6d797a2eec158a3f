"""The log of a training: spaCy's table, and between its rows how many steps are done, in a terminal
or not."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from time import monotonic
from typing import IO, Any

from spacy.language import Language
from spacy.training.loggers import console_logger_v3
from tqdm import tqdm
from wasabi.printer import Printer

SECONDS = 30.0
"""From one line of progress to the next where there is no terminal."""

Log = tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]
"""What is called at each step, with the results if there was an evaluation, and at the end."""


def make_logger(output_file: str | None = None) -> Callable[..., Log]:
    """As `spacy.ConsoleLogger.v3`, with a bar that counts the steps in a terminal and, in a file or
    a pipe, a line now and then. spaCy's own bar shows nothing there, and fails where `max_steps` is
    a variable of the configuration.

    At the end it warns if no evaluation was better than the first one.

    Args:
        output_file: JSON lines to write, one an evaluation. A file that exists is left alone.
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


def first_is_best(scores: Sequence[float]) -> str:
    """What to say where the best evaluation is the first one, which spaCy makes after one step;
    else nothing.

    Args:
        scores: Those of the evaluations, in their order. Of equal ones spaCy takes the last.
    """
    if not scores or scores[0] <= max(scores[1:], default=-math.inf):
        return ""
    reason = (
        "no later one was as good"
        if scores[1:]
        else "[training] eval_frequency lets no other follow"
    )
    return (
        "model-best is hardly trained: it is that of the first evaluation, after one step, "
        f"and {reason}"
    )


def weighted(
    weights: Mapping[str, float | None], evaluations: Iterable[Mapping[str, Any]]
) -> list[float]:
    """The scores by which spaCy compares evaluations.

    Args:
        weights: The section [training.score_weights].
    """
    used = {name: weight for name, weight in weights.items() if weight}
    return [
        sum((found.get(name) or 0.0) * weight for name, weight in used.items())
        for found in evaluations
    ]


class Progress:
    """Shows how many steps are done.

    Args:
        done, total: How many, of how many; a total of 0 if nobody knows.
        stream: Where to show it.
    """

    def __init__(self, done: int, total: int, stream: IO[str]) -> None:
        self._lines = None if stream.isatty() else stream
        place: dict[str, Any] = (
            {"file": StringIO(), "ncols": 0} if self._lines else {"file": stream}
        )  # 0: no bar
        self._bar = tqdm(total=total or None, initial=done, unit="step", leave=False, **place)
        self._shown = monotonic()

    def advance(self) -> None:
        """One more is done."""
        self._bar.update()
        if self._lines and monotonic() - self._shown >= SECONDS:
            print(self._bar, file=self._lines, flush=True)
            self._shown = monotonic()

    def close(self) -> None:
        """Make room for other output."""
        self._bar.close()
