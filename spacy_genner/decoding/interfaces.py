"""What a decoder needs of a language model."""

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
        prefix: The ids that many jobs share.
        body: The ids of the rest of the prompt.
        words: Where in the body the last id of each token of the source is, and the last one of
            all.
        grammar, encode: The legal answers and how they are spelled.
        end: The id that ends an answer which is written freely.
        limit: How many ids of an answer the model can read, which may have only so many positions.
        read: Finds the entities of such an answer in the source, however broken it is; those that
            the grammar can say.
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
    """The state of the model for the rows of a batch."""

    @property
    def rows(self) -> int:
        """How many there are."""

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk of at least one id more in every row: one forward pass. Returns the hidden
        states of the chunks,
        padded on the right: rows × longest chunk × width."""

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the model's draft head expects of each row, given the places of its words in the
        chunk that it has just read; an empty list without a draft head."""

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row, so many of them."""


class StepModel(Protocol):
    """A language model that reads on from where it is."""

    @property
    def copies_first(self) -> bool:
        """Whether a plain copy is to be tried along with the prompt."""

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """How many ids of a prefix each row of a session reads for itself."""

    def session(self, prefix: tuple[int, ...], rows: int) -> Session:
        """A fresh batch, behind a prefix."""

    def gather(self, rows: Sequence[tuple[Any, int]]) -> Session:
        """A batch of rows, each of one of the sessions of this model, in this order; there they are
        used no more."""

    def best(self, hidden: torch.Tensor) -> list[int]:
        """The most probable of all ids for each row, given hidden states, rows × width."""

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Log-probabilities of each row's choices among each other, given hidden states, rows ×
        width. Returns float32 on the CPU, rows × the largest number of choices, padded with minus
        infinity."""


@runtime_checkable
class Decoder(Protocol):
    """A way to find the answer to each job."""

    def __call__(self, model: StepModel, jobs: Sequence[Job]) -> list[Trace | None]:
        """One complete derivation for each job, in the order of the jobs; None where it outgrows
        the job's limit."""
