"""The check whether a model can be used: reading in chunks must give it the same logits as reading
all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .attention import layer_kinds
from .causal_steps import CausalSteps
from .encoder_decoder import start_of
from .seq2seq_steps import Seq2SeqSteps
from .steps import Steps

_LENGTH = 12
"""The number of token ids that are read."""

_START = 8
"""The index of the token id that the decoder of an encoder–decoder model starts with."""

_COMPARED = 1000
"""At most how many logits are compared."""

_TOLERANCE = 0.1
"""How far the logits may differ, as a share of their standard deviation. It is above the effect of
rounding to bfloat16, and below the effect of another scaling or mask."""


def check_model(model: Any) -> None:
    """Check that a model can be used.

    Raises:
        ValueError: If the model has a kind of layer that cannot attend across holes in a cache.
        ValueError: If reading in chunks gives other logits; see `check_reading`.
    """
    if not model.config.is_encoder_decoder:
        layer_kinds(model.config)
    check_reading(model)


@torch.inference_mode()
def check_reading(model: Any) -> None:
    """Compare the logits that a model computes after a few token ids with those of a session that
    reads the same ids chunk by chunk.

    Raises:
        ValueError: If the model computes NaN or infinity.
        ValueError: If the logits differ: the model scales its output or masks its attention in a
            way that this package does not know.
    """
    size = model.config.get_text_config().vocab_size
    # These ids are spread over the vocabulary, without the first three, usually control tokens.
    ids = [3 + 7919 * n % (size - 3) for n in range(_LENGTH)]
    if model.config.is_encoder_decoder:
        ids[_START] = start_of(model)
    choices = range(min(size, _COMPARED))
    expected = _at_once(model, ids)[: len(choices)]
    found = _in_chunks(model, ids, choices)
    if not expected.isfinite().all():
        raise ValueError(
            "the model computes NaN or infinity: its weights are damaged, or it needs dtype = "
            '"float32"'
        )
    difference = (found - expected).std()
    if not difference <= _TOLERANCE * expected.std():  # `>` would be false for NaN
        raise ValueError(
            f"models of the type {model.config.model_type} cannot be used: when this one reads a "
            "text in chunks, its logits differ from those that it computes when it reads the text "
            "at once; choose another model"
        )


def _at_once(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """Return the model's own logits after the last token id."""
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs = {"input_ids": ids[:_START], "decoder_input_ids": ids[_START:]}
    tensors = {name: torch.tensor([row], device=model.device) for name, row in inputs.items()}
    logits: torch.Tensor = model(**tensors, use_cache=False).logits
    return logits[0, -1].float().cpu()


def _in_chunks(model: Any, ids: Sequence[int], choices: Sequence[int]) -> torch.Tensor:
    """Return the logits of some tokens after the last token id, read as a prefix and two chunks."""
    steps: Steps = Seq2SeqSteps(model) if model.config.is_encoder_decoder else CausalSteps(model)
    session = steps.session(tuple(ids[:4]), 1)
    session.extend([ids[4 : _START + 1]])
    hidden = session.extend([ids[_START + 1 :]])[:, -1]
    return steps.head.choice_logits(hidden, [choices])[0].cpu()
