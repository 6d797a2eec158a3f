"""Encoder–decoder language models."""

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
    """An encoder for the prompt and a decoder for the answer, such as T5, Flan-T5 or mT5. See
    `LanguageModel` for its settings."""

    encoder_decoder = True

    positions = math.inf
    """The number of positions. It is infinite, because T5 has only distances between tokens."""

    @shared_property
    def pieces(self) -> Pieces:
        """The tokenizer, in the form of `Pieces`."""
        return Pieces(self.tokenizer, (start_of(self.base.model),))

    def hidden(
        self, prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
    ) -> list[torch.Tensor]:
        """Return the hidden states of sequences of token ids, each read after its prefix as if it
        were the only one, in one pass of the encoder and one of the decoder.

        Args:
            prefixes: The token ids before each body.
            bodies: The sequences, each of them a prompt and as much of its answer as is known.

        Returns:
            For each body, length × width.
        """
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return begun(self._plain, self.pieces.closing, prefixes, bodies, self._decode)

    def _decode(self, read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
        return decoded(self._plain, read, padded(answers, self.device)[0], use_cache=False)

    def _steps_of(self, merged: Any) -> Seq2SeqSteps:
        return Seq2SeqSteps(merged, self.pieces.closing, self.draft_head)
