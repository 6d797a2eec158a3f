"""An encoder–decoder language model."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from ..locks import shared_property
from .encoder_decoder import Read, begun, decoded, start_of
from .language_model import LanguageModel
from .pieces import Pieces
from .seq2seq_steps import Seq2SeqSteps
from .steps import padded


class Seq2SeqLM(LanguageModel):
    """An encoder for the prompt and a decoder for the answer: T5, Flan-T5, mT5 and their like. See
    `LanguageModel`."""

    encoder_decoder = True

    positions = math.inf
    """T5 counts from each token to the others, and has no last position."""

    @shared_property
    def pieces(self) -> Pieces:
        """The tokenizer."""
        return Pieces(self.base.tokenizer, (start_of(self.base.model),))

    def hidden(
        self, prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
    ) -> list[torch.Tensor]:
        """Hidden states of sequences of ids, each as if alone behind its prefix, in one pass of the
        encoder and one of
        the decoder: ids × width."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return begun(self._plain, self.pieces.closing, prefixes, bodies, self._decode)

    def _decode(self, read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
        return decoded(self._plain, read, padded(answers, self.device)[0], use_cache=False)

    def _steps_of(self, merged: Any) -> Seq2SeqSteps:
        return Seq2SeqSteps(merged, self.pieces.closing, self.draft_head)
