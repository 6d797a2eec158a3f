"""How many steps a training takes, and how many the schedule of its learning rate is made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def set_steps(training: dict[str, Any], steps: int) -> None:
    """Train for so many steps, by a schedule of as many if it has a number of them.

    Args:
        training: That section of a configuration.
    """
    training["max_steps"] = steps
    rate = training["optimizer"]["learn_rate"]
    if isinstance(rate, dict) and "total_steps" in rate:
        rate["total_steps"] = steps


def schedule_ends_early(training: Mapping[str, Any]) -> str:
    """What to say where training may go on behind the last step of its schedule; nothing if it does
    not.

    Args:
        training: That section of a configuration, interpolated.
    """
    rate, steps = training["optimizer"]["learn_rate"], training["max_steps"]
    last = rate.get("total_steps") if isinstance(rate, dict) else None
    if last is None or 0 < steps <= last:
        return ""
    return (
        f"[training.optimizer.learn_rate] total_steps = {last}, but [training] max_steps = "
        f"{steps}: from step {last} "
        "on the learning rate is 0. `--steps` sets both"
    )
