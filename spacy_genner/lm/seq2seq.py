"""An encoder–decoder language model."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from .language_model import LanguageModel
from .pieces import Pieces
from .seq2seq_step import Seq2SeqSteps, begun, start_of


class Seq2SeqLM(LanguageModel):
    """An encoder for the prompt and a decoder for the answer: T5, Flan-T5, mT5 and their like. See `LanguageModel`."""

    encoder_decoder = True

    @cached_property
    def pieces(self) -> Pieces:
        """The tokenizer."""
        return Pieces(self.base.tokenizer, (start_of(self.base.model),))

    def hidden(self, prefix: Sequence[int], bodies: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Hidden states of sequences of ids, each as if alone behind the prefix, in one pass of the encoder and one of
        the decoder: ids × width."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return begun(self._plain, self.pieces.closing, prefix, bodies)[0]

    def _steps_of(self, merged: Any) -> Seq2SeqSteps:
        return Seq2SeqSteps(merged, self.pieces.closing, self.draft_head)
