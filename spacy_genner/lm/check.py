"""Whether a model can be used: it must read with us as it reads by itself."""

from __future__ import annotations

from typing import Any

import torch

from .attention import layer_kinds
from .causal_steps import CausalSteps
from .encoder_decoder import start_of
from .seq2seq_steps import Seq2SeqSteps
from .steps import Steps

_LENGTH = 12
_TOLERANCE = 0.1
"""Of the spread of the logits: above what bfloat16 rounds away, below what another scaling or mask
makes of them."""


def check_model(model: Any) -> None:
    """that `check_reading` finds fault with.

    Raises:
        ValueError: For a kind of layer that cannot look back past a hole, and for a model.
    """
    if not model.config.is_encoder_decoder:
        layer_kinds(model.config)
    check_reading(model)


@torch.inference_mode()
def check_reading(model: Any) -> None:
    """Compare the model's own logits behind a few ids with those of a session that reads them chunk
    by chunk.

    Raises:
        ValueError: If they differ: its output is scaled, or its attention masked, in a way that we
            do not know.
    """
    size = model.config.get_text_config().vocab_size
    ids = [3 + 7919 * n % (size - 3) for n in range(_LENGTH)]  # no control tokens
    if model.config.is_encoder_decoder:
        ids[8] = start_of(model)
        inputs = {"input_ids": ids[:8], "decoder_input_ids": ids[8:]}
        steps: Steps = Seq2SeqSteps(model)
    else:
        inputs, steps = {"input_ids": ids}, CausalSteps(model)
    tensors = {name: torch.tensor([row], device=model.device) for name, row in inputs.items()}
    expected = model(**tensors, use_cache=False).logits[0, -1].float().cpu()
    session = steps.session(tuple(ids[:4]), 1)
    session.extend([ids[4:9]])
    choices = [list(range(min(size, 1000)))]
    expected = expected[choices[0]]
    found = steps.head.choice_logits(session.extend([ids[9:]])[:, -1], choices)[0].cpu()
    if not expected.isfinite().all():
        raise ValueError(
            "the model computes NaN or infinity: its weights are damaged, or it needs dtype = "
            '"float32"'
        )
    if (
        not (found - expected).std() <= _TOLERANCE * expected.std()
    ):  # not with >, which is false for NaN
        raise ValueError(
            f"models of the type {model.config.model_type} cannot be used: read piece by piece, "
            "this one says something"
            " else than read at once; choose another one"
        )
