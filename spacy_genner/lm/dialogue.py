"""A decoding that is under way, and what a language model has read of its questions so far."""

from __future__ import annotations

from collections.abc import Sequence

from ..decoding.interfaces import Decoding, Job, Question, Reply
from ..types import Trace


class Dialogue:
    """The questions of a decoding, one after another, and how a row of a session reads them.

    Attributes:
        job: The job that is decoded.
        ended: Whether the decoding has ended.
        trace: What it returned.
        question: The question that is to be answered, unless it has ended.
        chunk: The token ids of the question that the row has not read yet.
    """

    question: Question

    def __init__(self, job: Job, decoding: Decoding) -> None:
        self.job = job
        self.ended = False
        self.trace: Trace | None = None
        self.chunk: list[int] = []
        self._decoding = decoding
        self._read = 0  # the number of the question's token ids that the row has read
        try:
            self.question = next(decoding)
        except StopIteration as stop:
            self.ended, self.trace = True, stop.value

    def restart(self) -> None:
        """Read the question from its beginning, in a new session."""
        self._read, self.chunk = 0, self.question.ids

    @property
    def places(self) -> list[int]:
        """The index in the chunk of the last token id before each place of the question."""
        return [place - 1 - self._read for place in self.question.places]

    def answer(self, reply: Reply) -> int:
        """Answer the question, and take the next one.

        Returns:
            The number of token ids that the row has read last and must forget.
        """
        before = self.question.ids
        try:
            self.question = self._decoding.send(reply)
        except StopIteration as stop:
            self.ended, self.trace = True, stop.value
            return 0
        # What is read again are the token ids before the first place, at least the last of them.
        self._read = min(_common(before, self.question.ids), self.question.places[0] - 1)
        self.chunk = self.question.ids[self._read :]
        return len(before) - self._read


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the number of token ids with which both sequences begin."""
    pairs = zip(one, other, strict=False)
    shorter = min(len(one), len(other))
    return next((n for n, (id, other_id) in enumerate(pairs) if id != other_id), shorter)
