"""A causal language model."""

from collections.abc import Sequence
from typing import Any

import torch

from .attention import attention_mask
from .language_model import LanguageModel
from .packing import pack
from .step import CausalSteps


class CausalLM(LanguageModel):
    """A decoder that reads prompt and answer as one text. See `LanguageModel`."""

    encoder_decoder = False

    def hidden(self, prefix: Sequence[int], bodies: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Hidden states of sequences of ids, each as if alone behind the prefix, in one forward pass: ids × width."""
        packed = pack(prefix, bodies, self.device)
        mask = attention_mask(self._plain.config, packed.positions, packed.positions, packed.visible, self.dtype)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            output = self._plain.get_decoder()(
                input_ids=packed.ids, attention_mask=mask, position_ids=packed.positions, use_cache=False
            )
        states = output.last_hidden_state
        places = zip(packed.places, bodies, strict=True)
        return [states[row, start : start + len(body)] for (row, start), body in places]

    def _steps_of(self, merged: Any) -> CausalSteps:
        return CausalSteps(merged, self.draft_head)
