"""Decoding when memory runs out, on purpose: the budget shrinks, the result stays."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from boxes import Work
from cells import Cell
from systems.base import CountingSession, CountingSteps

from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.lm.steps import Steps

from .setting import Setting

_SMALL, _LARGE = 1024, 2**20
"""Budgets in ids: one that always fits, and one that never does."""
_SPARE = 512 * 2**20
"""Bytes that a GPU may take beside what it holds …"""
_IDS = 256
"""… and the ids that a pass may read on a CPU."""


def memory(setting: Setting) -> dict[str, Work]:
    """Random networks decide for themselves, in float32, so that the order of computation changes
    no decision."""
    return {f"{shape}, float32": partial(measured, setting, shape) for shape in setting.scarce}


def measured(setting: Setting, shape: str) -> Cell:
    """A cell.

    Raises:
        RuntimeError: If memory did not run out.
    """
    jobs = [task.job for task in setting.tasks(setting.decoded)]
    steps: Any = setting.shaped(shape, torch.float32).steps
    expected = SpeculativeDecoder(_SMALL)(SessionEngine(steps), jobs)
    with scarce(steps, setting.device) as few, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        traces = SpeculativeDecoder(_LARGE)(SessionEngine(few), jobs)
    shrinks = sum("out of memory" in str(warning.message) for warning in told)
    if not shrinks:
        raise RuntimeError(f"memory did not run out: {_LARGE} ids fit into a pass")
    moves = [
        [[step.move for step in trace or ()] for trace in found] for found in (expected, traces)
    ]
    equal = sum(one == other for one, other in zip(*moves, strict=True))
    budgets = {"budget at first": _LARGE, "at last": _LARGE >> shrinks}
    return {"sentences": len(jobs), **budgets, "equal answers": equal}


@contextmanager
def scarce(steps: Steps, device: torch.device) -> Iterator[Steps]:
    """A model for which there is little memory."""
    if device.type != "cuda":
        yield Scarce(steps)
        return
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(
        (torch.cuda.memory_reserved(device) + _SPARE) / total, device
    )
    try:
        yield steps
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


class Scarce(CountingSteps):
    """A model that runs out of memory as a GPU does, in the middle of its work."""

    def session(self, prefix: tuple[int, ...], rows: int) -> ScarceSession:
        """A fresh batch."""
        return ScarceSession(self._steps.session(prefix, rows), self.reading)

    def gather(self, rows: Sequence[tuple[CountingSession, int]]) -> ScarceSession:
        """Rows of batches."""
        return ScarceSession(
            self._steps.gather([(session.inner, row) for session, row in rows]), self.reading
        )


class ScarceSession(CountingSession):
    """A session that refuses to read much."""

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read.

        Raises:
            torch.OutOfMemoryError: As it is on a GPU.
        """
        if len(chunks) * max(map(len, chunks)) > _IDS and len(chunks) > 1:
            raise torch.OutOfMemoryError("simulated")
        return super().extend(chunks)
