from typing import Any

import pytest

from spacy_genner.training.step_count import schedule_ends_early, set_steps


def section(rate: Any, steps: int) -> dict[str, Any]:
    """A section [training]."""
    return {"max_steps": steps, "optimizer": {"learn_rate": rate}}


@pytest.mark.parametrize(
    "rate", [0.01, {"initial_rate": 0.01}, {"total_steps": 5, "warmup_steps": 2}]
)
def test_a_schedule_that_counts_steps_is_as_long_as_the_training(rate: Any) -> None:
    training = section(rate, 5)
    set_steps(training, 3)
    assert training["max_steps"] == 3
    expected = (
        {**rate, "total_steps": 3} if isinstance(rate, dict) and "total_steps" in rate else rate
    )
    assert training["optimizer"]["learn_rate"] == expected


@pytest.mark.parametrize(
    ("rate", "steps", "early"),
    [
        ({"total_steps": 5}, 5, False),
        ({"total_steps": 9}, 5, False),
        ({"total_steps": 4}, 5, True),
        ({"total_steps": 5}, 0, True),  # no end
        ({"initial_rate": 0.01}, 5, False),
        (0.01, 5, False),
        (0.01, 0, False),
    ],
)
def test_a_schedule_may_end_before_the_training(rate: Any, steps: int, early: bool) -> None:
    said = schedule_ends_early(section(rate, steps))
    assert bool(said) == early
    assert (
        not early
        or f"total_steps = {rate['total_steps']}, but [training] max_steps = {steps}: from step"
        in said
    )
