"""What training asks of an answer: each of its tokens, or only the decisions on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

import torch
from thinc.types import Floats1d
from torch.nn.functional import cross_entropy

from ..decoding.moves import Decision
from ..lm.head import Head
from ..lm.language_model import LanguageModel
from .shim import LMShim


@dataclass(frozen=True, slots=True)
class Target:
    """A known answer to a prompt.

    Attributes:
        prefix: The ids that many targets share.
        prompt: Those of the rest of the prompt, at least one.
        answer: Those of the answer.
        decisions: Where the answer could have gone on in another legal way.
    """

    prefix: tuple[int, ...]
    prompt: list[int]
    answer: list[int]
    decisions: list[Decision]


Loss: TypeAlias = Callable[[Head, torch.Tensor, Target], tuple[torch.Tensor, float]]
"""The weighted sum of the losses of one target and the sum of their weights, given the hidden
states of prompt and answer, ids × width."""


def token_loss(head: Head, hidden: torch.Tensor, target: Target) -> tuple[torch.Tensor, float]:
    """Cross-entropy of every token of the answer among the whole vocabulary."""
    first = len(target.prompt) - 1
    logits = head.logits(hidden[first : first + len(target.answer)])
    wanted = torch.tensor(target.answer, device=hidden.device)
    return cross_entropy(logits, wanted, reduction="sum"), len(target.answer)


def decision_loss(
    head: Head, hidden: torch.Tensor, target: Target, copy_weight: float = 1.0
) -> tuple[torch.Tensor, float]:
    """Cross-entropy of every decision among its legal choices.

    Args:
        copy_weight: How much a decision to copy counts, where the others count 1.
    """
    if not target.decisions:
        return hidden.sum().float() * 0.0, 0
    places = [len(target.prompt) - 1 + decision.position for decision in target.decisions]
    logits = head.choice_logits(hidden[places], [decision.choices for decision in target.decisions])
    wanted = torch.tensor([decision.chosen for decision in target.decisions], device=hidden.device)
    weights = [copy_weight if decision.copies else 1.0 for decision in target.decisions]
    losses = cross_entropy(logits, wanted, reduction="none")
    return losses @ torch.tensor(weights, device=hidden.device), sum(weights)


LOSSES: dict[str, Loss] = {"tokens": token_loss, "decisions": decision_loss}


def loss_of(name: str, copy_weight: float = 1.0) -> Loss:
    """A loss by its name.

    Raises:
        ValueError: For an unknown one, and for a weight that it cannot have.
    """
    if name not in LOSSES:
        raise ValueError(f'loss = "{name}": choose one of {", ".join(LOSSES)}')
    if not copy_weight > 0:
        raise ValueError(
            f"copy_weight = {copy_weight}: give a number above 0, below 1 for more spans"
        )
    if copy_weight == 1.0:
        return LOSSES[name]
    if name != "decisions":
        raise ValueError(
            f'copy_weight = {copy_weight}: only loss = "decisions" has decisions to weigh'
        )
    return partial(decision_loss, copy_weight=copy_weight)


class LossShim(LMShim):
    """Targets in, losses out."""

    def __init__(self, lm: LanguageModel, loss: Loss) -> None:
        super().__init__(lm)
        self._loss = loss

    def begin_update(
        self, targets: Sequence[Target]
    ) -> tuple[Floats1d, Callable[[Floats1d], None]]:
        """The loss of each target, summed over its parts, and the way back from their gradients."""
        if not targets:
            return cast(Floats1d, torch.zeros(0).numpy()), lambda _: None
        self.lm.model.train()
        bodies = [target.prompt + target.answer for target in targets]
        states, head = self.lm.hidden([target.prefix for target in targets], bodies), self.lm.head
        parts = [
            self._loss(head, hidden, target) for hidden, target in zip(states, targets, strict=True)
        ]
        losses = torch.stack([loss for loss, _ in parts])
        weight = sum(weight for _, weight in parts)
        backprop = self.way_back(losses, weight) if weight else lambda _: None
        return cast(Floats1d, losses.detach().cpu().numpy()), backprop
