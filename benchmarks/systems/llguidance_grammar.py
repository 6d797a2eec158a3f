"""llguidance: a grammar for each sentence masks the logits of the whole vocabulary at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .base import CountingSteps, Output, Subject, Task
from .grammar import rules


class LLGuidance:
    """Token by token on our own sessions: tokens that the grammar forces are read along, finished
    rows leave.

    Raises:
        ImportError: Without the package.
    """

    def __init__(self, subject: Subject) -> None:
        import llguidance.hf

        self._subject = subject
        self._matcher = llguidance.LLMatcher
        self._tokenizer = llguidance.hf.from_tokenizer(
            subject.lm.base.tokenizer, n_vocab=subject.lm.base.model.config.vocab_size
        )

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Decode a batch."""
        steps = CountingSteps(self._subject.lm.steps)
        written: list[list[int]] = [[] for _ in tasks]
        matchers = [self._started(task) for task in tasks]
        active, chunks = list(range(len(tasks))), [task.job.body for task in tasks]
        session = steps.session(tasks[0].job.prefix, len(tasks))
        while True:
            hidden = session.extend(chunks)
            last = hidden[range(len(active)), [len(chunk) - 1 for chunk in chunks]]
            best = self._best(steps.head.logits(last), [matchers[i] for i in active])
            chunks = [self._taken(matchers[i], id) for i, id in zip(active, best, strict=True)]
            for i, chunk in zip(active, chunks, strict=True):
                written[i] += chunk
            rows = [row for row, i in enumerate(active) if not matchers[i].is_stopped()]
            if not rows:
                break
            session = (
                steps.gather([(session, row) for row in rows])
                if len(rows) < len(active)
                else session
            )
            active, chunks = [active[row] for row in rows], [chunks[row] for row in rows]
        return Output.written(tasks, written, steps.reading)

    def _started(self, task: Task) -> Any:
        source = task.job.grammar.source
        matcher = self._matcher(
            self._tokenizer, rules(source, self._subject.labels, self._subject.format, ":", "start")
        )
        if matcher.is_error():
            raise ValueError(
                f"llguidance refuses the grammar of {source.words}: {matcher.get_error()}"
            )
        return matcher

    def _best(self, logits: torch.Tensor, matchers: Sequence[Any]) -> list[int]:
        bits = np.frombuffer(
            b"".join(matcher.compute_bitmask() for matcher in matchers), dtype=np.uint8
        )
        legal = np.unpackbits(bits.reshape(len(matchers), -1), axis=1, bitorder="little")[
            :, : logits.shape[1]
        ]
        mask = torch.from_numpy(legal.astype(bool)).to(logits.device)
        best: list[int] = logits.masked_fill(~mask, float("-inf")).argmax(dim=1).tolist()
        return best

    def _taken(self, matcher: Any, id: int) -> list[int]:
        """The id and those that the grammar forces after it."""
        matcher.consume_token(id)
        forced = matcher.compute_ff_tokens()
        matcher.consume_tokens(forced)
        return [id, *forced]
