"""What a language model can do beside its task, before and after tuning: how well it predicts plain
text, and how it does in the tasks of EleutherAI's lm-evaluation-harness."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """The value of a measure before and after tuning.

    Attributes:
        name: The name of the text or task.
        size: The length of the text in bytes, or the number of examples of the task.
        measure: What was measured.
        before, after: The two values.
        before_error, after_error: Their standard errors; None where they are not known.
        difference_error: The standard error of their difference, paired over examples; None where
            the measure is not a mean over examples.
    """

    name: str
    size: int
    measure: str
    before: float
    after: float
    before_error: float | None = None
    after_error: float | None = None
    difference_error: float | None = None

    @property
    def difference(self) -> float:
        """By how much the value after tuning is greater."""
        return self.after - self.before

    def record(self) -> dict[str, Any]:
        """Return the change in a form that JSON can hold."""
        return {**asdict(self), "difference": self.difference}


def text_changes(
    name: str, text: str, before: tuple[float, int], after: tuple[float, int]
) -> list[Change]:
    """Return how the perplexity of a text, and the bits that it takes per byte, have changed.

    Args:
        name: The name of the text.
        text: The text, which is not empty.
        before, after: Its surprisal in nats and its number of token ids, for the two models.
    """
    size = len(text.encode())
    perplexities = [math.exp(nats / count) for nats, count in (before, after)]
    bits = [nats / math.log(2) / size for nats, _ in (before, after)]
    return [
        Change(name, size, "perplexity", *perplexities),
        Change(name, size, "bits per byte", *bits),
    ]


class Harness:
    """Tasks of lm-evaluation-harness (the extra `ability`), which a language model is asked to do.

    Args:
        tasks: The names of tasks, or of groups of them; `*` stands for any characters.
        folder: A folder of the user's own tasks, as YAML files.
        limit: The number of examples of each task, the first ones; None for all.
        shots: The number of solved examples in a prompt; None for that of the task.
        batch_size: The number of prompts that the model reads at once.

    Raises:
        ImportError: If lm-evaluation-harness is not installed.
        ValueError: If there is no such task.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        folder: Path | None = None,
        *,
        limit: int | None = None,
        shots: int | None = None,
        batch_size: int = 1,
    ) -> None:
        try:
            from lm_eval.models import huggingface  # noqa: F401  (needs accelerate as well)
            from lm_eval.tasks import TaskManager
        except ImportError as error:
            raise ImportError(
                f"tasks need lm-evaluation-harness ({error}): `pip install 'spacy-genner[ability]'`"
            ) from error
        self._manager = TaskManager(include_path=folder)
        if unknown := [task for task in tasks if not self._manager.match_tasks([task])]:
            raise ValueError(
                f"lm-evaluation-harness has no task {unknown[0]!r}: choose one that `lm-eval ls "
                "tasks` lists, or give the folder of your own tasks as --include-path"
            )
        self._tasks = self._manager.match_tasks(list(tasks))
        self._limit, self._shots, self._batch_size = limit, shots, batch_size

    def __call__(self, model: Any, tokenizer: Any) -> dict[str, Any]:
        """Return the results of the tasks, as the harness returns them.

        Args:
            model: A causal language model from transformers.
            tokenizer: Its tokenizer.

        Raises:
            OSError: If the examples of a task cannot be read or fetched.
            ValueError: If a task is refused, because it would run code that a model has written.
        """
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM

        # The harness ties the output matrix to the embeddings, which would undo an adapter of one
        # of them, and gives the tokenizer a token for padding. The copy of the model shares its
        # weights.
        model, tokenizer = copy.copy(model), copy.deepcopy(tokenizer)
        model.tie_weights = lambda: None
        asked = HFLM(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=self._batch_size,
            softmax_dtype="float32",
        )
        results: dict[str, Any] = simple_evaluate(
            asked,
            tasks=self._tasks,
            num_fewshot=self._shots,
            limit=self._limit,
            task_manager=self._manager,
        )
        return results


def task_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return how the measures of tasks have changed.

    Args:
        before, after: The results of `Harness` for the two models.
    """
    changes = list[Change]()
    for task, new in after["results"].items():
        old = before["results"][task]
        for key, value in new.items():
            measure, _, filtered = key.partition(",")  # such as "acc,none" and "acc_stderr,none"
            if not filtered or measure.endswith("_stderr") or not isinstance(value, Real):
                continue
            error = f"{measure}_stderr,{filtered}"
            change = Change(
                task,
                new["sample_len"],
                measure if filtered == "none" else f"{measure} ({filtered})",
                float(old[key]),
                float(value),
                _number(old.get(error)),
                _number(new.get(error)),
                _paired_error(_values(before, task, key), _values(after, task, key)),
            )
            changes.append(change)
    return changes


def _values(results: Mapping[str, Any], task: str, key: str) -> list[float]:
    """Return the value of a measure for each example of a task; none if it is not their mean."""
    measure, _, filtered = key.partition(",")
    samples = results["samples"].get(task, ())  # A group of tasks has none
    values = [one[measure] for one in samples if one["filter"] == filtered and measure in one]
    if not values or not all(isinstance(value, Real) for value in values):
        return []
    mean = results["results"][task][key]
    return values if math.isclose(fmean(values), mean, abs_tol=1e-9) else []


def _paired_error(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Return the standard error of the mean difference of paired values; None if it is not
    known."""
    if len(before) != len(after) or len(after) < 2:
        return None
    differences = [new - old for old, new in zip(before, after, strict=True)]
    return stdev(differences) / math.sqrt(len(differences))


def _number(value: object) -> float | None:
    """Return a standard error of the harness, which is "N/A" where it is not known."""
    return float(value) if isinstance(value, Real) else None
