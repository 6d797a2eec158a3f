"""The jobs that a decoder is given, and the one question that it asks about them.

A decoder follows the decisions of an answer; an engine has the language model, and whatever makes
it fast: batches, caches, servers. Between them are a `Question`, all of which an engine can answer
without knowing what was asked before, and a `Reply`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, slots=True)
class Question:
    """Some places in a text, and the token ids that may come next there.

    Attributes:
        ids: The token ids that the language model reads after the prefix of the job: its body, and
            its answer as far as it is known or guessed. It need not read past the last place.
        places: The number of these token ids before each place, in ascending order; at least one
            place.
        choices: For each place, the token ids to choose from, at least two.
        propose: Whether to ask what a draft head expects, if the engine has one; only in the first
            question about a job.
    """

    ids: list[int]
    places: list[int]
    choices: list[list[int]]
    propose: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question.

    Up to the first place whose best choice is not the token id that comes next in the question, and
    at that place, the best choice is that of the model. Engines that see only the most probable
    token ids may give estimates of the rest, and correct the trace at the end; see `Engine.run`.

    Attributes:
        log_probs: The log-probabilities of the choices at each place, normalised over these choices
            only: places × the largest number of choices or more, padded with minus infinity.
        plan: What a draft head expects, if the question asked for it and the engine has one.
    """

    log_probs: npt.NDArray[np.float32]
    plan: Plan | None = None


Decoding: TypeAlias = Generator[Question, Reply, Trace | None]
"""A job on its way: it asks questions, and returns the complete derivation, or None if that exceeds
the job's limit."""


class Engine(Protocol):
    """What runs a language model, and answers questions about many jobs at once."""

    @property
    def copies_first(self) -> bool:
        """Whether the first question about a job should guess a plain copy of its source, instead
        of waiting for what the draft head expects."""

    def run(
        self, jobs: Sequence[Job], decodings: Sequence[Decoding], batch_tokens: int
    ) -> list[Trace | None]:
        """Answer the questions of all decodings, until each has ended.

        Args:
            jobs: The jobs.
            decodings: For each job, a decoding that has not asked anything yet.
            batch_tokens: At most how many token ids are read at once, padding included; more only
                for a single job that is larger. An engine with batches of its own ignores it.

        Returns:
            What each decoding returned, with the right probabilities of all moves that decided an
            entity.
        """

    def write(self, jobs: Sequence[Job], most: Sequence[int], batch_tokens: int) -> list[list[int]]:
        """Write freely: always the most probable of all token ids.

        Args:
            jobs: The jobs.
            most: At most how many token ids to write for each job.
            batch_tokens: See `run`.

        Returns:
            For each job, the token ids that were written, without the one that ends an answer.
        """


@runtime_checkable
class Decoder(Protocol):
    """A way to find the answer to each job."""

    def __call__(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return one complete derivation for each job, in the order of the jobs; None where it
        would exceed the job's limit."""
