"""Decoding at true shape: sentences a second, passes, waiting, memory."""

from __future__ import annotations

import warnings
from functools import partial

from boxes import Work
from cells import Cell
from peak import Peak
from systems import SCRIPTED
from systems.base import Output, Subject

from .setting import Setting
from .timing import seconds_of, waiting


def decoding(setting: Setting) -> dict[str, Work]:
    """Our decoder, `generate` and the floor write what was recorded."""
    return {
        f"{shape}, batch {batch}, {system}": partial(measured, setting, shape, batch, system)
        for shape in setting.shapes
        for batch in setting.batches
        for system in SCRIPTED
        if system != "generate" or batch in setting.written
    }


def measured(setting: Setting, shape: str, batch: int, name: str) -> Cell:
    """A cell, on two batches, with `generate` on one, and on a few sentences at least.

    Raises what UserWarning where memory runs out: our decoder would go on with smaller batches,
    which a recording does not know.
    """
    warnings.filterwarnings("error", "out of memory")
    recorded, device = setting.recorded, setting.device
    system = SCRIPTED[name](Subject(setting.shaped(shape), recorded.format, recorded.labels))
    tasks = setting.tasks(max(setting.few, batch if name == "generate" else 2 * batch))
    outputs = list[Output]()
    system(tasks[-batch:], batch)
    with Peak(device) as peak:
        seconds = seconds_of(lambda: outputs.append(system(tasks, batch)), device)
    reading = outputs[-1].reading
    words = sum(len(task.job.grammar.source.words) for task in tasks)
    return {
        "sentences": len(tasks),
        "sentences/s": len(tasks) / seconds,
        "words/s": words / seconds,
        "passes": reading.passes,
        "passes/s": reading.passes / seconds,
        "rows × passes / sentence": reading.rows / len(tasks),
        "ids / sentence": reading.ids / len(tasks),
        "GPU waits": waiting(lambda: system(tasks[-batch:], batch), device),
        "MiB": peak.mib,
        "rise": peak.mib - peak.before,
    }
