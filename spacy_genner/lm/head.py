"""The output matrix: logits of all tokens, or of a few at each place only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..weights.identity import scales_hidden

NEVER = float("-inf")


class Head:
    """Turns hidden states into logits with the model's own bias, scaling and soft-cap.

    Args:
        model: A language model from Hugging Face.
    """

    def __init__(self, model: Any) -> None:
        self._output = model.get_output_embeddings()
        config = model.config.get_text_config()
        self._scale = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
        if scales_hidden(config):
            self._scale *= config.d_model**-0.5
        self._cap = getattr(config, "final_logit_softcapping", None)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Of all tokens: … × width → … × vocabulary, float32."""
        return self._finish(self._output(hidden))

    def choice_logits(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Of some tokens: rows × width and the ids asked for in each row → rows × the largest
        number of ids, float32, padded with minus infinity. Only the rows of the output matrix that
        belong to these ids are multiplied."""
        device = hidden.device
        lengths = torch.tensor([len(row) for row in choices], device=device)
        ids = torch.tensor([id for row in choices for id in row], device=device)
        rows = torch.arange(len(choices), device=device).repeat_interleave(lengths)
        with torch.autocast(device.type, enabled=False):
            logits = (self._output.weight[ids].float() * hidden[rows].float()).sum(dim=-1)
            if self._output.bias is not None:
                logits = logits + self._output.bias[ids].float()
        there = torch.arange(max(map(len, choices)), device=device) < lengths[:, None]
        return torch.full(there.shape, NEVER, device=device).masked_scatter(
            there, self._finish(logits)
        )

    def _finish(self, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.float() * self._scale
        return logits if self._cap is None else torch.tanh(logits / self._cap) * self._cap
