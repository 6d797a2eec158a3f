"""Work in boxes of time: what no longer fits is left out, and what fails is told and stops nothing
else."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

import torch
from cells import Cell

Work = Callable[[], Cell]
_LONGEST = 300  # letters of an error


def fill(cells: Mapping[str, Work], end: float, tell: Callable[[str, Cell], None]) -> list[str]:
    """Do the work of one cell after another, as long as one that takes as long as the longest so
    far would end in time, and tell the result of each.

    Args:
        end: A time in seconds, as `time.time` counts them.

    Returns:
        The names of the cells that were left out.
    """
    longest, left_out = 0.0, list[str]()
    for name, work in cells.items():
        start = time.time()
        if start + longest > end:
            left_out.append(name)
            continue
        tell(name, attempt(work))
        longest = max(longest, time.time() - start)
    return left_out


def attempt(work: Work) -> Cell:
    """The result of work, or the error that ended it. What a GPU held for it is free again
    afterwards."""
    try:
        return work()
    except Exception as error:  # whatever it is, the other cells are worth having
        return {"error": f"{type(error).__name__}: {error}"[:_LONGEST]}
    finally:
        gc.collect()
        torch.cuda.empty_cache()
