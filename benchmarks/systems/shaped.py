"""Networks of true shape with random weights, for timing only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from spacy_genner.lm.causal_steps import CausalSteps
from spacy_genner.lm.draft_head import DraftHead

from .base import Subject, Task
from .recorded import HeadShape, Recorded, record
from .replay import Replaying

_LLAMA = {"vocab_size": 128_256, "num_attention_heads": 32, "num_key_value_heads": 8}
SHAPES: dict[str, dict[str, Any]] = {
    "135m": {
        "vocab_size": 49_152,
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "intermediate_size": 1536,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "tie_word_embeddings": True,
    },
    "1b": {
        **_LLAMA,
        "hidden_size": 2048,
        "num_hidden_layers": 16,
        "intermediate_size": 8192,
        "tie_word_embeddings": True,
    },
    "8b": {**_LLAMA, "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336},
    "tiny": {
        "vocab_size": 49_152,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "tie_word_embeddings": True,
    },
}
"""SmolLM2-135M, Llama 3.2 1B, Llama 3.1 8B, and one for tests."""


def random_network(
    shape: str, dtype: torch.dtype, device: torch.device, vocabulary: int = 0
) -> Any:
    """A network for decoding.

    Args:
        vocabulary: How many ids it knows at least.
    """
    sizes = SHAPES[shape]
    sizes = {**sizes, "vocab_size": max(sizes["vocab_size"], vocabulary)}
    config = LlamaConfig(**sizes, attn_implementation="sdpa")
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config).to(dtype).requires_grad_(False).eval()


@dataclass(frozen=True)
class Shaped:
    """In the place of a trained model: another network.

    Attributes:
        steps: Decides for itself.
        replaying: Decides what the trained one did.
    """

    steps: CausalSteps
    replaying: Replaying
    pieces: Any
    device: torch.device

    @classmethod
    def of(cls, recorded: Recorded, network: Any) -> Shaped:
        """With a random draft head, where the trained model has one."""
        steps = CausalSteps(network, random_head(recorded.head, network) if recorded.head else None)
        return cls(steps, Replaying(steps, recorded.scripts), recorded.pieces, network.device)

    @classmethod
    def like(cls, subject: Subject, tasks: Sequence[Task], shape: str) -> Shaped:
        """With the tokenizer, precision and place of a trained model, for these tasks."""
        lm = subject.lm
        vocabulary = lm.base.model.config.get_text_config().vocab_size
        return cls.of(
            record(subject, tasks), random_network(shape, lm.dtype, lm.device, vocabulary)
        )


def random_head(head: HeadShape, network: Any) -> DraftHead:
    """A draft head of this shape for a network."""
    config = network.config
    layer = round(head.depth * config.num_hidden_layers)
    return (
        DraftHead(config.hidden_size, layer, head.patterns, head.copies_first)
        .to(network.device)
        .eval()
    )
