"""The losses of training: over all token ids of an answer, or over its decisions only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

import torch
from thinc.types import Floats1d
from torch.nn.functional import cross_entropy

from ..decoding.moves import Decision
from ..lm.decoding_lm import DecodingLM
from ..lm.head import Head
from .shim import LMShim


@dataclass(frozen=True, slots=True)
class Target:
    """The gold answer to a prompt, as token ids.

    Attributes:
        prefix: The beginning of the prompt, which many targets share.
        prompt: The rest of the prompt, at least one token id.
        answer: The answer.
        decisions: The places where the answer could have continued in another legal way.
    """

    prefix: tuple[int, ...]
    prompt: list[int]
    answer: list[int]
    decisions: list[Decision]


Loss: TypeAlias = Callable[[Head, torch.Tensor, Target], tuple[torch.Tensor, float]]
"""A function from the hidden states of prompt and answer, ids × width, to the weighted sum of the
losses of one target, and the sum of their weights."""


def token_loss(head: Head, hidden: torch.Tensor, target: Target) -> tuple[torch.Tensor, float]:
    """Return the cross-entropy of every token id of the answer over the whole vocabulary."""
    first = len(target.prompt) - 1  # the hidden state of an id has the logits of the next one
    logits = head.logits(hidden[first : first + len(target.answer)])
    wanted = torch.tensor(target.answer, device=hidden.device)
    return cross_entropy(logits, wanted, reduction="sum"), len(target.answer)


def decision_loss(
    head: Head, hidden: torch.Tensor, target: Target, copy_weight: float = 1.0
) -> tuple[torch.Tensor, float]:
    """Return the cross-entropy of every decision over its legal choices.

    Args:
        copy_weight: The weight of a decision to copy, where the others have the weight 1.
    """
    if not target.decisions:
        return hidden.sum().float() * 0.0, 0  # zero, but with a graph to go backward through
    places = [len(target.prompt) - 1 + decision.position for decision in target.decisions]
    logits = head.choice_logits(hidden[places], [decision.choices for decision in target.decisions])
    wanted = torch.tensor([decision.chosen for decision in target.decisions], device=hidden.device)
    weights = [copy_weight if decision.copies else 1.0 for decision in target.decisions]
    losses = cross_entropy(logits, wanted, reduction="none")
    return losses @ torch.tensor(weights, device=hidden.device), sum(weights)


LOSSES: dict[str, Loss] = {"tokens": token_loss, "decisions": decision_loss}


def loss_of(name: str, copy_weight: float = 1.0) -> Loss:
    """Return a loss by its name.

    Raises:
        ValueError: If the loss is unknown, or cannot have this weight.
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
    """A language model that learns: targets in, losses out."""

    def __init__(self, lm: DecodingLM, loss: Loss) -> None:
        super().__init__(lm)
        self._loss = loss

    def begin_update(
        self, targets: Sequence[Target]
    ) -> tuple[Floats1d, Callable[[Floats1d], None]]:
        """Return the loss of each target, and the function that takes their gradients.

        Raises:
            ValueError: If the model cannot be trained.
        """
        if not targets:
            return cast(Floats1d, torch.zeros(0).numpy()), lambda _: None
        lm = self.local
        if not lm.weights:
            raise ValueError(
                "a language model with spacy_genner.NoTuning.v1 cannot be trained: set tuning = "
                "null, or list the component in frozen_components of [training]"
            )
        lm.model.train()
        bodies = [target.prompt + target.answer for target in targets]
        states = lm.hidden([target.prefix for target in targets], bodies)
        head = lm.head
        parts = [
            self._loss(head, hidden, target) for hidden, target in zip(states, targets, strict=True)
        ]
        losses = torch.stack([loss for loss, _ in parts])
        weight = sum(weight for _, weight in parts)
        backprop = self.way_back(losses, weight) if weight else lambda _: None
        return cast(Floats1d, losses.detach().cpu().numpy()), backprop
