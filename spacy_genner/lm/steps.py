"""What the step models of all kinds of language models have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import torch

from ..decoding.marks import Plan
from .draft_head import DraftHead
from .head import Head

_MULTIPLE = 8
"""Chunks that are longer than this are padded to a multiple of it. For each new shape of a matrix a
CPU prepares a kernel and keeps it, so there should be few shapes."""


def padded(
    rows: Sequence[Sequence[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad rows of token ids on the right.

    Returns:
        The token ids, and which of them are not padding. Both are rows × width, which is at least
        the length of the longest row.
    """
    longest = max(map(len, rows))
    width = -(-longest // _MULTIPLE) * _MULTIPLE if longest > _MULTIPLE else longest
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(width, device=device) < lengths[:, None]


def by_session(rows: Sequence[tuple[Any, int]]) -> list[tuple[Any, list[int]]]:
    """Group rows of sessions by runs of the same session.

    Args:
        rows: Sessions, each with the index of one of its rows.

    Returns:
        The session of each run, with the indices of its rows, in the given order.
    """
    runs = groupby(rows, key=itemgetter(0))
    return [(session, [index for _, index in run]) for session, run in runs]


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


class Steps(ABC):
    """A step model: merged and frozen weights that can go on reading from where they are.

    Args:
        model: A language model from transformers, in evaluation mode.
        draft_head: What proposes drafts, if anything does.
    """

    def __init__(self, model: Any, draft_head: DraftHead | None = None) -> None:
        self.model = model
        self.head = Head(model)
        self.draft_head = draft_head

    @property
    def copies_first(self) -> bool:
        """Whether a plain copy of the source should be tried in the pass that reads the prompt."""
        return self.draft_head is None or self.draft_head.copies_first

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """Return how many token ids of a prefix each row of a session reads for itself."""
        return 0

    @abstractmethod
    def session(self, prefix: tuple[int, ...], rows: int) -> Any:
        """Return a new `Session` whose rows have read a prefix."""

    @abstractmethod
    def gather(self, rows: Sequence[tuple[Any, int]]) -> Any:
        """Return a `Session` of the given rows, in this order.

        Args:
            rows: Sessions of this model, each with the index of one of its rows. That row must not
                be used in its old session any more.
        """

    @torch.inference_mode()
    def best(self, hidden: torch.Tensor) -> list[int]:
        """Return the most probable token id for each row.

        Args:
            hidden: Hidden states, rows × width.
        """
        best: list[int] = self.head.logits(hidden).argmax(dim=-1).tolist()
        return best

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the log-probabilities of the choices of each row, normalised over these choices.

        Args:
            hidden: Hidden states, rows × width.
            choices: Token ids for each row.

        Returns:
            Float32 on the CPU, rows × the largest number of choices, padded with minus infinity.

        Raises:
            ValueError: If the model computes NaN.
        """
        with torch.inference_mode():
            result = torch.log_softmax(self.head.choice_logits(hidden, choices), dim=-1).cpu()
        if result.isnan().any():
            raise ValueError(
                "the language model computes NaN: its weights are damaged, or it needs dtype = "
                '"float32"'
            )
        return result

    def plans(self, states: torch.Tensor, words: Sequence[Sequence[int]]) -> list[Plan]:
        """Return what the draft head expects of each row, or an empty list without a draft head.

        Args:
            states: The hidden states of a chunk, rows × chunk × width.
            words: For each row, the indices in the chunk of the last token id of each source token,
                and of the last token id of all.
        """
        if not self.draft_head:
            return []
        return self.draft_head.plans(
            [row[indices] for row, indices in zip(states, words, strict=True)]
        )
