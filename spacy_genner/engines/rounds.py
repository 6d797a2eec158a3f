"""An engine that asks one round of readings after another, of all jobs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

from ..decoding.interfaces import Decoding, Job
from ..types import Trace
from .listed import Found, Reading, consult

MOST_CHOICES = 128
"""At most how many choices a reading may have: a limit of vLLM."""


class Reader(Protocol):
    """What answers readings: vLLM in processes of its own, or a server."""

    @property
    def positions(self) -> int:
        """The number of token ids that a reading may have."""

    def read(self, readings: Sequence[Reading]) -> list[Found]:
        """Return the answer to each reading."""

    def write(
        self, prompts: Sequence[Sequence[int]], most: Sequence[int], ends: Sequence[int]
    ) -> list[list[int]]:
        """Return the most probable of all token ids, one after another, after each prompt.

        Args:
            prompts: The token ids of each prompt.
            most: For each, at most how many token ids to write; at least one.
            ends: For each, the token id that ends the answer, which is not returned.
        """


class RoundsEngine:
    """An engine on a reader.

    Args:
        reader: The reader.
        top: The number of the most probable token ids in each list that it returns.
        exact: Whether all log-probabilities in replies must be right; see `consult`.

    Attributes:
        reader: The reader.
        requests: The number of requests so far.
    """

    copies_first = True

    def __init__(self, reader: Reader, top: int, exact: bool = False) -> None:
        self.requests = 0
        self.reader = reader
        self._top = top
        self._exact = exact

    def exactly(self) -> RoundsEngine:
        """Return an engine on the same reader in whose replies all log-probabilities are right."""
        return RoundsEngine(self.reader, self._top, exact=True)

    def run(
        self, jobs: Sequence[Job], decodings: Sequence[Decoding], batch_tokens: int
    ) -> list[Trace | None]:
        """Answer the questions of all decodings, until each has ended; see `Engine`. The reader has
        batches of its own."""
        pairs = zip(jobs, decodings, strict=True)
        consultations = [consult(*pair, self._top, self._exact) for pair in pairs]
        traces: list[Trace | None] = [None] * len(jobs)
        found: dict[int, list[Found] | None] = dict.fromkeys(range(len(jobs)))
        while found:
            asked: dict[int, list[Reading]] = {}
            for i, answers in found.items():
                try:
                    # The first value that is sent to a generator is None.
                    asked[i] = consultations[i].send(answers)  # type: ignore[arg-type]
                except StopIteration as stop:
                    traces[i] = stop.value
            found = self._answers(asked)
        return traces

    def _answers(self, asked: Mapping[int, list[Reading]]) -> dict[int, list[Found] | None]:
        """Return the answers to the readings of each job."""
        found = self._read(list(chain.from_iterable(asked.values())))
        answers: dict[int, list[Found] | None] = {}
        start = 0
        for i, own in asked.items():
            answers[i] = found[start : start + len(own)]
            start += len(own)
        return answers

    def _read(self, readings: Sequence[Reading]) -> list[Found]:
        """Return the answer to each reading, in as many requests as its choices need."""
        parts = [_parts(reading) for reading in readings]
        requests = list(chain.from_iterable(parts))
        self.requests += len(requests)
        found = self.reader.read(requests) if requests else []
        joined, start = list[Found](), 0
        for of_reading in parts:
            own = found[start : start + len(of_reading)]
            log_probs = [log_prob for part in own for log_prob in part.log_probs]
            joined.append(Found(log_probs, own[0].lists))
            start += len(own)
        return joined

    def write(self, jobs: Sequence[Job], most: Sequence[int], batch_tokens: int) -> list[list[int]]:
        """Write freely; see `Engine`."""
        answers: list[list[int]] = [[] for _ in jobs]
        asked = [i for i, length in enumerate(most) if length > 0]
        self.requests += len(asked)
        written = self.reader.write(
            [[*jobs[i].prefix, *jobs[i].body] for i in asked],
            [most[i] for i in asked],
            [jobs[i].end for i in asked],
        )
        for i, ids in zip(asked, written, strict=True):
            answers[i] = ids
        return answers


def without(end: int, ids: list[int]) -> list[int]:
    """Return what was written, without the token id that ended it."""
    return ids[:-1] if ids[-1:] == [end] else ids


def _parts(reading: Reading) -> list[Reading]:
    """Return readings with a part of the choices each; only the first one asks for lists."""
    return [
        replace(
            reading,
            choices=reading.choices[start : start + MOST_CHOICES],
            listed=reading.listed if start == 0 else (),
        )
        for start in range(0, len(reading.choices), MOST_CHOICES)
    ]
