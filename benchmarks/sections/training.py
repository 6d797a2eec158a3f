"""A step of LoRA at true shape, without and with gradient checkpointing."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
from boxes import Work
from cells import Cell
from peak import Peak
from thinc.api import Adam

from spacy_genner.decoding.moves import spell
from spacy_genner.lm.causal import CausalLM
from spacy_genner.models.losses import LOSSES, LossShim, Target
from spacy_genner.weights.load import Base

from .setting import Setting, network_of
from .timing import seconds_of


def training(setting: Setting) -> dict[str, Work]:
    """Steps of the default adapter and loss on the recorded answers."""
    return {
        f"{shape}, {name}": partial(measured, setting, shape, checkpointing)
        for shape in setting.shapes
        for name, checkpointing in (("plain", False), ("gradient checkpointing", True))
    }


def measured(setting: Setting, shape: str, checkpointing: bool) -> Cell:
    """A cell. The rise of memory is above base and adapter."""
    device, dtype = setting.device, str(setting.dtype).removeprefix("torch.")
    lm = CausalLM(shape, dtype=dtype, device=str(device), gradient_checkpointing=checkpointing)
    lm.base = Base(network_of(shape, setting.dtype, device), None, "", "", Path())
    shim, optimizer, golds = (
        LossShim(lm, LOSSES["decisions"]),
        Adam(1e-4, use_averages=False),
        targets(setting),
    )
    batches = cycle(
        [golds[start : start + setting.step] for start in range(0, len(golds), setting.step)]
    )

    def step() -> None:
        losses, backprop = shim.begin_update(next(batches))
        backprop(np.ones_like(losses))
        shim.finish_update(optimizer)

    _ = lm.model
    with Peak(device) as peak:
        step()
        seconds = seconds_of(step, device)
    return {
        "sentences": setting.step,
        "s / step": seconds,
        "MiB": peak.mib,
        "rise": peak.mib - peak.before,
    }


def targets(setting: Setting) -> list[Target]:
    """The recorded answers as what is to be learnt, of a few steps."""
    found, recorded = list[Target](), setting.recorded
    for task, entities in list(zip(recorded.tasks, recorded.entities, strict=True))[
        : 4 * setting.step
    ]:
        job = task.job
        answer, decisions = spell(job.grammar, job.grammar.derive(entities), job.encode)
        found.append(Target(job.prefix, job.body, [*answer, job.end], decisions))
    return found
