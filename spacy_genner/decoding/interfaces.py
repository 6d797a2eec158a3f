"""What a decoder asks of a language model, and the jobs that it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from ..answers import Repairs
from ..formats.base import Grammar
from ..types import Entity, Trace
from .marks import Plan
from .moves import Encode


@dataclass(frozen=True, slots=True)
class Job:
    """One source to decode.

    Attributes:
        prefix: The token ids at the beginning of the prompt that many jobs share.
        body: The token ids of the rest of the prompt.
        words: For each token of the source, the index in the body of its last token id; then the
            index of the last token id of the body.
        grammar: The legal answers.
        encode: How their texts are tokenised.
        end: The token id that ends an answer written without constraints.
        read: Returns the entities of such an answer that are in the source and can be expressed by
            the grammar, however broken the answer is; and what was wrong with it.
        limit: The number of token ids of an answer that the model can read at most, if its
            positions are limited.
    """

    prefix: tuple[int, ...]
    body: list[int]
    words: list[int]
    grammar: Grammar
    encode: Encode
    end: int
    read: Callable[[Sequence[int]], tuple[list[Entity], Repairs]]
    limit: float = math.inf


class Session(Protocol):
    """The state of the model for a batch of rows, each of which reads a sequence of its own."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read one more chunk, of at least one token id, in every row: one forward pass.

        Returns:
            The hidden states of the chunks, padded on the right: rows × longest chunk × width.
        """

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """Return what the model's draft head expects of each row; an empty list without a draft
        head.

        Args:
            words: For each row, the indices of its source tokens in the chunk that it has just
                read, as in `Job.words`.
        """

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last token ids of each row.

        Args:
            counts: How many to forget in each row.
        """


class StepModel(Protocol):
    """A language model that can go on reading from where it is."""

    @property
    def copies_first(self) -> bool:
        """Whether the first pass reads the first draft, a plain copy, along with the prompt."""

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """Return how many token ids of a prefix each row of a session reads for itself."""

    def session(self, prefix: tuple[int, ...], rows: int) -> Session:
        """Return a new session whose rows have read a prefix."""

    def gather(self, rows: Sequence[tuple[Any, int]]) -> Session:
        """Return a session of the given rows, in this order.

        Args:
            rows: Sessions of this model, each with the index of one of its rows. That row must not
                be used in its old session any more.
        """

    def best(self, hidden: torch.Tensor) -> list[int]:
        """Return the most probable of all token ids for each row, given hidden states, rows ×
        width."""

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the log-probabilities of each row's choices, normalised over these choices only.

        Args:
            hidden: Hidden states, rows × width.
            choices: The token ids that each row may choose from.

        Returns:
            float32 on the CPU, rows × the largest number of choices, padded with minus infinity.
        """


@runtime_checkable
class Decoder(Protocol):
    """A way to find the answer to each job."""

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return one complete derivation for each job, in the order of the jobs; None where it
        would exceed the job's limit."""
