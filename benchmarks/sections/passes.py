"""What a pass costs beside its ids: how large `_PASS` in `spacy_genner/lm/batches.py`
should be."""

from __future__ import annotations

from functools import partial

import numpy as np
from boxes import Work
from cells import Cell
from fitting import line
from systems.shaped import Shaped

from .setting import Setting
from .timing import seconds_of

_CHOICES = [5, 6]


def passes(setting: Setting) -> dict[str, Work]:
    """Passes over rows of each length, with a decision at each id, as decoders make them."""
    return {shape: partial(measured, setting, shape) for shape in setting.shapes}


def measured(setting: Setting, shape: str) -> Cell:
    """A cell: seconds = a + b · ids."""
    shaped, prefix = setting.shaped(shape), setting.recorded.tasks[0].job.prefix
    grid = [(rows, length) for rows in setting.rows for length in setting.lengths]
    ids = [rows * length for rows, length in grid]
    seconds = [seconds_of_pass(shaped, prefix, *point) for point in grid]
    constant, slope = line(ids, seconds)
    errors = np.abs(constant + slope * np.array(ids) - seconds) / seconds
    return {
        "a, ms": 1e3 * constant,
        "b, µs": 1e6 * slope,
        "_PASS = a / b, ids": round(constant / slope),
        "median error": float(np.median(errors)),
        "points": [
            {"rows": r, "length": n, "seconds": s} for (r, n), s in zip(grid, seconds, strict=True)
        ],
    }


def seconds_of_pass(shaped: Shaped, prefix: tuple[int, ...], rows: int, length: int) -> float:
    """One pass of rows that have read the prefix."""
    steps, chunks = shaped.steps, [[7] * length] * rows
    session = steps.session(prefix, rows)

    def read() -> None:
        hidden = steps.gather([(session, row) for row in range(rows)]).extend(chunks)
        steps.log_probs(hidden.flatten(0, 1), [_CHOICES] * (rows * length))

    read()
    return seconds_of(read, shaped.device)
