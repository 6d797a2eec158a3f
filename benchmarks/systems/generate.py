"""`generate` of Hugging Face transformers, greedy: free, or held to legal answers as by
`prefix_allowed_tokens_fn`, or to our own answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList
from transformers.generation import PrefixConstrainedLogitsProcessor

from spacy_genner.decoding.moves import Walk
from spacy_genner.lm.cache import empty_cache, repeated

from .base import Output, Reading, Subject, Task

_MORE = 8


def nearly(task: Task) -> int:
    """Little more ids than our answer has: one trained on decisions only does not know how to
    end."""
    return len(task.answer) + _MORE


class Generate:
    """Writes what it likes, until a line or the text ends. The prefix is read once, as ours is.

    Args:
        limit: How many ids an answer may have; the longest of a batch counts.
    """

    def __init__(self, subject: Subject, limit: Callable[[Task], int] = nearly) -> None:
        self._lm, self._limit = subject.lm, limit
        self._prefixes: dict[tuple[int, ...], Any] = {}
        self._ends = [subject.lm.pieces.end, subject.lm.pieces.encode("\n")[-1]]

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Write a batch, padded on the left between prefix and body."""
        model, device = self._lm.steps.model, self._lm.device
        prefix, bodies = tasks[0].job.prefix, [task.job.body for task in tasks]
        width = max(map(len, bodies))
        ids = torch.tensor(
            [[*prefix, *[self._ends[0]] * (width - len(body)), *body] for body in bodies],
            device=device,
        )
        mask = torch.tensor(
            [[1] * len(prefix) + [0] * (width - len(body)) + [1] * len(body) for body in bodies]
        )
        output = model.generate(
            ids,
            attention_mask=mask.to(device),
            past_key_values=repeated(self._read(prefix), len(tasks)),
            logits_processor=self.processors(tasks, ids.shape[1]),
            max_new_tokens=max(map(self._limit, tasks)),
            do_sample=False,
            eos_token_id=self._ends,
            pad_token_id=self._ends[0],
        )[:, ids.shape[1] :].tolist()
        ends = [
            next((n for n, id in enumerate(row) if id in self._ends), len(row)) for row in output
        ]
        answers = [row[:end] for row, end in zip(output, ends, strict=True)]
        return Output.written(tasks, answers, self._reading(bodies, ends, len(output[0])))

    def processors(self, tasks: Sequence[Task], start: int) -> LogitsProcessorList:
        """What changes the logits, in a batch whose prompts have so many ids."""
        return LogitsProcessorList()

    def _read(self, prefix: tuple[int, ...]) -> Any:
        if prefix not in self._prefixes:
            cache = empty_cache()
            ids = torch.tensor([prefix], device=self._lm.device)
            with torch.inference_mode():
                self._lm.steps.model.get_decoder()(
                    input_ids=ids, past_key_values=cache, use_cache=True
                )
            self._prefixes = {prefix: cache}
        return self._prefixes[prefix]

    def _reading(self, bodies: Sequence[list[int]], ends: Sequence[int], width: int) -> Reading:
        """A row is read up to the last id but one; finished rows are padding."""
        reading = Reading()
        reading.add([len(body) for body in bodies])
        for place in range(width - 1):
            reading.add([1] * len(ends))
            reading.ids -= sum(end <= place for end in ends)
        return reading


class GenerateAllowed(Generate):
    """Writes legal answers only, in the token sequences of our tries."""

    def processors(self, tasks: Sequence[Task], start: int) -> LogitsProcessorList:
        """The ids of our own grammar, one walk a row."""
        walks = [Walk(task.job.grammar, task.job.encode) for task in tasks]

        def allowed(row: int, ids: torch.Tensor) -> list[int]:
            walk, count = walks[row], len(ids) - start
            if walk.choices and count > len(walk.ids):
                walk.choose(walk.choices.index(int(ids[-1])))
            if count < len(walk.ids):
                return [walk.ids[count]]
            return walk.choices if count == len(walk.ids) and walk.choices else [self._ends[0]]

        return LogitsProcessorList([PrefixConstrainedLogitsProcessor(allowed, 1)])


class GenerateScripted(Generate):
    """Writes our answers, whatever its own are."""

    def processors(self, tasks: Sequence[Task], start: int) -> LogitsProcessorList:
        """The ids of the answers, and ends after them."""
        end = self._ends[0]
        width = max(map(self._limit, tasks))
        answers = [[*task.answer, *[end] * (width - len(task.answer))] for task in tasks]
        return LogitsProcessorList([Scripted(torch.tensor(answers, device=self._lm.device), start)])


class Scripted(LogitsProcessor):
    """Forces ids, rows × ids, after prompts of one length."""

    def __init__(self, ids: torch.Tensor, start: int) -> None:
        self._ids, self._start = ids, start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The logits with which the next ids are certain."""
        column = input_ids.shape[1] - self._start
        return torch.full_like(scores, float("-inf")).scatter_(
            1, self._ids[:, column : column + 1], 0.0
        )
