"""Models of other sizes, with random weights, for timing only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from spacy_genner.decoding.model import Job
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.step import CausalSteps

from .replay import Recording, Replaying

SHAPES = {
    "1b": {"hidden_size": 2048, "num_hidden_layers": 16, "intermediate_size": 8192, "num_attention_heads": 32},
    "8b": {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "num_attention_heads": 32},
}
"""Those of Llama 3.2 1B and Llama 3.1 8B, but for the vocabulary, which is that of the trained model."""


@dataclass(frozen=True)
class Shaped:
    """In the place of a trained model: another network.

    replaying: Decides what the trained one did.
    """

    steps: CausalSteps
    replaying: Replaying
    pieces: Any
    base: Any
    device: torch.device

    @classmethod
    def like(cls, lm: CausalLM, jobs: Sequence[Job], shape: str) -> Shaped:
        """With the tokenizer, precision and place of a trained model, for these jobs."""
        recording = Recording(lm.steps)
        SpeculativeDecoder(1)(recording, jobs)
        trained = lm.steps.model
        config = LlamaConfig(
            vocab_size=trained.config.vocab_size, num_key_value_heads=8, attn_implementation="sdpa", **SHAPES[shape]
        )
        with torch.device(lm.device):
            model = AutoModelForCausalLM.from_config(config).to(trained.dtype).eval()
        steps = CausalSteps(model)
        replaying = Replaying(steps, recording.scripts, lm.steps.copies_first)
        return cls(steps, replaying, lm.pieces, lm.base, lm.device)
