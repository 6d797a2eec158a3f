"""What language models of all kinds that decoders read on with have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch

from ..decoding.marks import Plan
from .draft_head import DraftHead
from .head import Head

_MULTIPLE = 8
"""Longer chunks are padded to multiples of it: each new shape of a matrix makes a CPU prepare a
kernel, and keep it."""


def padded(
    rows: Sequence[Sequence[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of ids, padded on the right, and which of them are no padding: rows × at least the
    longest row."""
    longest = max(map(len, rows))
    width = -(-longest // _MULTIPLE) * _MULTIPLE if longest > _MULTIPLE else longest
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(width, device=device) < lengths[:, None]


class Steps(ABC):
    """The step model of merged, frozen weights.

    Args:
        model: A language model from Hugging Face in evaluation mode.
        draft_head: Proposes drafts.
    """

    def __init__(self, model: Any, draft_head: DraftHead | None = None) -> None:
        self.model = model
        self.head = Head(model)
        self.draft_head = draft_head

    @property
    def copies_first(self) -> bool:
        """Whether a plain copy is to be tried along with the prompt."""
        return self.draft_head is None or self.draft_head.copies_first

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """How many ids of a prefix each row of a session reads for itself."""
        return 0

    @abstractmethod
    def session(self, prefix: tuple[int, ...], rows: int) -> Any:
        """A fresh batch behind a prefix."""

    @abstractmethod
    def gather(self, rows: Sequence[tuple[Any, int]]) -> Any:
        """A batch of rows of other batches, in this order."""

    @torch.inference_mode()
    def best(self, hidden: torch.Tensor) -> list[int]:
        """The most probable of all ids for each row."""
        best: list[int] = self.head.logits(hidden).argmax(dim=-1).tolist()
        return best

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Log-probabilities of each row's choices among each other.

        Raises:
            ValueError: If they are not numbers.
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
        """What the draft head expects of each row, if there is one, given the hidden states of a
        chunk and where in it the words are."""
        head = self.draft_head
        return (
            head.plans([row[places] for row, places in zip(states, words, strict=True)])
            if head
            else []
        )
