"""An engine on llama.cpp: what many jobs ask is read at once, and what a job has read stays in the
cache, as a sequence of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..decoding.interfaces import Decoding, Job, Question, Reply
from ..lm.dialogue import Dialogue
from ..types import Trace
from .llama_model import BATCH, SEQUENCES, LlamaModel, Token

_PREFIX = 0
"""The sequence that holds the prefix of the jobs."""


@dataclass(slots=True)
class _Row:
    """A dialogue, and its sequence in the cache.

    Attributes:
        dialogue: The dialogue.
        sequence: The number of the sequence; 0 if it has none.
        length: The number of token ids in the sequence after the prefix.
    """

    dialogue: Dialogue
    sequence: int = 0
    length: int = 0

    @property
    def size(self) -> int:
        """The number of token ids of the prefix and the question."""
        return len(self.dialogue.job.prefix) + self.length + len(self.dialogue.chunk)

    @property
    def tokens(self) -> list[Token]:
        """What is to be read for the question."""
        asked = dict(zip(self.dialogue.places, self.dialogue.question.choices, strict=True))
        start = len(self.dialogue.job.prefix) + self.length
        return [
            Token(id, start + n, self.sequence, asked.get(n, ()))
            for n, id in enumerate(self.dialogue.chunk)
        ]


class LlamaEngine:
    """An engine that llama.cpp runs.

    Args:
        model: The model.
        context: How many token ids its cache has room for.
    """

    copies_first = True

    def __init__(self, model: LlamaModel, context: int) -> None:
        self._model = model
        self._context = context
        self._clear()

    def _clear(self) -> None:
        """Forget all that was read."""
        self._model.clear()
        self._prefix: tuple[int, ...] = ()
        self._empty = list(range(1, SEQUENCES))

    def run(
        self, jobs: Sequence[Job], decodings: Sequence[Decoding], batch_tokens: int
    ) -> list[Trace | None]:
        """Answer the questions of all decodings, until each has ended; see `Engine`.

        Raises:
            ValueError: If a question is longer than the cache.
            RuntimeError: If llama.cpp fails.
        """
        dialogues = [Dialogue(*one) for one in zip(jobs, decodings, strict=True)]
        by_prefix = sorted(dialogues, key=lambda dialogue: dialogue.job.prefix)
        rows = [_Row(dialogue) for dialogue in by_prefix if not dialogue.ended]
        for row in rows:
            row.dialogue.restart()
        try:
            while rows:
                self._make_room(rows)
                self._answer(self._next(rows, batch_tokens))
                rows = [row for row in rows if not row.dialogue.ended]
        except BaseException:
            self._clear()  # it is not known what the sequences hold
            raise
        return [dialogue.trace for dialogue in dialogues]

    def write(self, jobs: Sequence[Job], most: Sequence[int], batch_tokens: int) -> list[list[int]]:
        """Write freely; see `Engine`."""
        answers: list[list[int]] = [[] for _ in jobs]
        every = list(range(self._model.size))
        decodings = [_write(*one, every) for one in zip(jobs, most, answers, strict=True)]
        self.run(jobs, decodings, batch_tokens)
        return answers

    def _make_room(self, rows: Sequence[_Row]) -> None:
        """Forget what other rows have read, if there is no room for what the first one reads next.

        Raises:
            ValueError: If there is none even for the first one alone.
        """
        size = rows[0].size
        if size > self._context:
            raise ValueError(
                f"a prompt with its answer has {size} token ids, and context = {self._context} has "
                "no room for it: set context to more, or the window of the component to less"
            )
        if size + sum(row.length for row in rows[1:]) > self._context:
            for row in rows[1:]:
                if row.sequence:
                    self._release(row)
                    row.dialogue.restart()

    def _next(self, rows: Sequence[_Row], batch_tokens: int) -> Sequence[_Row]:
        """Return the rows to read next: the first ones, as many as can be read at once.

        More than `BATCH` token ids at once are not faster on a CPU, because each attends to the
        whole cache.
        """
        prefix = rows[0].dialogue.job.prefix
        held = len(prefix) + sum(row.length for row in rows)
        read = 0
        for count, row in enumerate(rows):
            read += len(row.dialogue.chunk)
            full = read > min(batch_tokens, BATCH) or held + read > self._context
            other = row.dialogue.job.prefix != prefix
            if count and (full or other or count == SEQUENCES - 1):
                return rows[:count]
        return rows

    def _answer(self, rows: Sequence[_Row]) -> None:
        """Read what the rows have not read of their questions, and answer these."""
        self._hold(rows[0].dialogue.job.prefix)
        for row in rows:
            if not row.sequence:
                row.sequence = self._empty.pop()
                self._model.share(_PREFIX, row.sequence)
        log_probs = _log_softmax(self._model.read([token for row in rows for token in row.tokens]))
        end = 0
        for row in rows:
            start, end = end, end + len(row.dialogue.places)
            row.length += len(row.dialogue.chunk)
            row.length -= row.dialogue.answer(Reply(log_probs[start:end]))
            if row.dialogue.ended:
                self._release(row)
            else:
                self._model.cut(row.sequence, len(self._prefix) + row.length)

    def _hold(self, prefix: tuple[int, ...]) -> None:
        """Read a prefix, unless it is the one that was read last."""
        if prefix != self._prefix:
            self._model.cut(_PREFIX, 0)
            self._model.read([Token(id, n, _PREFIX) for n, id in enumerate(prefix)])
            self._prefix = prefix

    def _release(self, row: _Row) -> None:
        """Forget what a row has read, and keep its sequence for another one."""
        self._model.cut(row.sequence, 0)
        self._empty.append(row.sequence)
        row.sequence = row.length = 0


def _write(job: Job, most: int, answer: list[int], every: list[int]) -> Decoding:
    """Write the most probable token ids to an answer.

    Args:
        every: All token ids.
    """
    while len(answer) < most:
        ids = job.body + answer
        reply = yield Question(ids, [len(ids)], [every])
        best = int(reply.log_probs.argmax())
        if best == job.end:
            break
        answer.append(best)
    return None


def _log_softmax(logits: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return log-probabilities, padded with minus infinity."""
    padded = np.full((len(logits), max(map(len, logits))), -np.inf, dtype=np.float32)
    for row, of_choices in zip(padded, logits, strict=True):
        row[: len(of_choices)] = of_choices
    padded -= padded.max(axis=1, keepdims=True)
    padded -= np.log(np.exp(padded).sum(axis=1, keepdims=True))
    return padded
