"""The number of steps of a training, and the number that its learning rate schedule is made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def set_steps(training: dict[str, Any], steps: int) -> None:
    """Set the number of steps of a training, and of its schedule if that has one.

    Args:
        training: The section [training] of a config.
        steps: The number of steps.
    """
    training["max_steps"] = steps
    rate = training["optimizer"]["learn_rate"]
    if isinstance(rate, dict) and "total_steps" in rate:
        rate["total_steps"] = steps


def schedule_ends_early(training: Mapping[str, Any]) -> str:
    """Return a warning if training may go on after the last step of its schedule.

    Args:
        training: The section [training] of a config, interpolated.

    Returns:
        The warning, or an empty string if the schedule lasts as long as the training.
    """
    rate = training["optimizer"]["learn_rate"]
    steps = training["max_steps"]
    last = rate.get("total_steps") if isinstance(rate, dict) else None
    if last is None or 0 < steps <= last:
        return ""
    return (
        f"[training.optimizer.learn_rate] total_steps = {last}, but [training] max_steps = "
        f"{steps}: from step {last} on the learning rate is 0. Set both, as `--steps` does"
    )
