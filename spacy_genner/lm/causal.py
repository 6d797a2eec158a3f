"""Causal language models."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from .attention import attention_mask
from .causal_steps import CausalSteps
from .language_model import LanguageModel
from .packing import pack


class CausalLM(LanguageModel):
    """A decoder that reads prompt and answer as one text. See `LanguageModel` for its settings."""

    encoder_decoder = False

    @property
    def width(self) -> int:
        """The width of the hidden states."""
        return int(self.base.model.config.get_text_config().hidden_size)

    @property
    def positions(self) -> float:
        """The number of positions that the model was made for, or infinity if its configuration has
        no such number."""
        config = self.base.model.config.get_text_config()
        return float(getattr(config, "max_position_embeddings", None) or math.inf)

    def hidden(
        self,
        prefixes: Sequence[Sequence[int]],
        bodies: Sequence[Sequence[int]],
        *,
        ahead: bool = False,
        merged: bool = False,
    ) -> list[torch.Tensor]:
        """Return the hidden states of sequences of token ids, each read after its prefix as if it
        were the only one, in one forward pass.

        Args:
            prefixes: The token ids before each body.
            bodies: The sequences.
            ahead: Whether the token ids of a body attend to later ids of it as well. Those of a
                prefix, which bodies may share, never do.
            merged: Whether to read with the weights for decoding instead of those in training.

        Returns:
            For each body, length × width.
        """
        model = self.steps.model if merged else self._plain
        packed = pack(prefixes, bodies, self.device)
        positions = packed.positions
        mask = attention_mask(
            model.config, positions, positions, packed.visible, self.dtype, ahead=ahead
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            output = model.get_decoder()(
                input_ids=packed.ids, attention_mask=mask, position_ids=positions, use_cache=False
            )
        states = output.last_hidden_state
        places = zip(packed.places, bodies, strict=True)
        return [states[row, start : start + len(body)] for (row, start), body in places]

    def _steps_of(self, merged: Any) -> CausalSteps:
        return CausalSteps(merged, self.draft_head)
