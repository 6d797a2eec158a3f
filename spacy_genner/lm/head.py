"""The output matrix of a language model: logits of all tokens, or of only a few in each row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch

from ..weights.identity import scales_hidden

NEVER = float("-inf")
"""The logit of padding."""


class Head:
    """The output matrix with the model's own bias, scaling and soft-cap.

    Args:
        model: A language model from transformers.
    """

    def __init__(self, model: Any) -> None:
        self._output = model.get_output_embeddings()
        config = model.config.get_text_config()
        self._scale = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
        if scales_hidden(config):
            self._scale *= config.d_model**-0.5
        self._cap = getattr(config, "final_logit_softcapping", None)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the logits of all tokens.

        Args:
            hidden: Hidden states, … × width.

        Returns:
            … × vocabulary, float32.
        """
        return self._finish(self._output(hidden))

    def choice_logits(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the logits of some tokens in each row. Only the rows of the output matrix that
        belong to these tokens are multiplied, unless an adapter in training changes the matrix.

        Args:
            hidden: Hidden states, rows × width.
            choices: The token ids of these tokens for each row.

        Returns:
            Rows × the largest number of choices, float32, padded with minus infinity.
        """
        device = hidden.device
        lengths = torch.tensor([len(row) for row in choices], device=device)
        ids = torch.tensor(list(chain.from_iterable(choices)), device=device)
        rows = torch.arange(len(choices), device=device).repeat_interleave(lengths)
        with torch.autocast(device.type, enabled=False):
            logits = self._products(hidden, rows, ids)
        there = torch.arange(max(map(len, choices)), device=device) < lengths[:, None]
        return torch.full(there.shape, NEVER, device=device).masked_scatter(
            there, self._finish(logits)
        )

    def _products(
        self, hidden: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor
    ) -> torch.Tensor:
        """Return the product of each of some hidden states with a row of the output matrix.

        Args:
            hidden: Hidden states, rows × width.
            rows: The index of a hidden state for each product.
            ids: The token id, which is the row of the matrix, for each product.
        """
        if type(self._output) is not torch.nn.Linear:
            # An adapter in the output matrix is not a matter of single rows.
            products: torch.Tensor = self._output(hidden.to(self._output.weight.dtype))
            return products[rows, ids].float()
        products = (self._output.weight[ids].float() * hidden[rows].float()).sum(dim=-1)
        bias = self._output.bias
        return products if bias is None else products + bias[ids].float()

    def _finish(self, logits: torch.Tensor) -> torch.Tensor:
        """Apply the scaling and the soft-cap of the model."""
        logits = logits.float() * self._scale
        return logits if self._cap is None else torch.tanh(logits / self._cap) * self._cap
