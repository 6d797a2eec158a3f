"""A causal language model."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from .attention import attention_mask
from .causal_steps import CausalSteps
from .language_model import LanguageModel
from .packing import pack


class CausalLM(LanguageModel):
    """A decoder that reads prompt and answer as one text. See `LanguageModel`."""

    encoder_decoder = False

    @property
    def width(self) -> int:
        """How many numbers a hidden state has."""
        return int(self.base.model.config.get_text_config().hidden_size)

    @property
    def positions(self) -> float:
        """Those that the model was made for."""
        return float(
            getattr(self.base.model.config.get_text_config(), "max_position_embeddings", None)
            or math.inf
        )

    def hidden(
        self,
        prefixes: Sequence[Sequence[int]],
        bodies: Sequence[Sequence[int]],
        *,
        ahead: bool = False,
        merged: bool = False,
    ) -> list[torch.Tensor]:
        """Hidden states of sequences of ids, each as if alone behind its prefix, in one forward
        pass: ids × width.

        Args:
            ahead: Let ids read those behind them as well. The prefix, which many may share, never
                does.
            merged: Read with the weights for decoding instead of those in training.
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
