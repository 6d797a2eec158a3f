"""The floor: what reading prompt and answer costs, if the answer is known."""

from collections.abc import Sequence

import torch

from .base import CountingSteps, Output, Subject, Task


class Floor:
    """One forward pass over the prompt's body and our answer, after the prefix; without the output
    matrix."""

    def __init__(self, subject: Subject) -> None:
        self._lm = subject.lm

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Read a batch."""
        steps = CountingSteps(self._lm.steps)
        steps.session(tasks[0].job.prefix, len(tasks)).extend(
            [task.job.body + task.answer for task in tasks]
        )
        if self._lm.device.type == "cuda":
            torch.cuda.synchronize()
        return Output(None, steps.reading)
