"""What encoder and decoder read of a sequence of ids.

A prompt ends with the id that the decoder starts with, which is in no text: the encoder reads what
stands before it, the decoder goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from .steps import padded


class Read(NamedTuple):
    """What an encoder has read: hidden states, rows × ids × width, and which of the ids are no
    padding, rows × ids."""

    states: torch.Tensor
    there: torch.Tensor


def start_of(model: Any) -> int:
    """The id that the decoder starts with.

    Raises:
        ValueError: If the model does not say it.
    """
    start = getattr(model.config, "decoder_start_token_id", None)
    if start is None:
        raise ValueError(
            f"{model.config.name_or_path!r} has no decoder_start_token_id: add it to its "
            "config.json"
        )
    return int(start)


def begun(
    model: Any,
    closing: Sequence[int],
    prefixes: Sequence[Sequence[int]],
    bodies: Sequence[Sequence[int]],
    decode: Callable[[Read, list[Sequence[int]]], torch.Tensor],
) -> list[torch.Tensor]:
    """Hidden states of bodies, prompts with what is known of the answers: ids × width, for each
    body.

    Args:
        closing: The ids with which the encoder expects a text to end.
        prefixes: What it reads before each body.
        decode: Lets the decoder read answers, padded on the right.
    """
    ends = [list(body).index(start_of(model)) for body in bodies]
    prompts = [
        [*first, *body[:end], *closing]
        for first, body, end in zip(prefixes, bodies, ends, strict=True)
    ]
    ids, there = padded(prompts, model.device)
    states = model.get_encoder()(input_ids=ids, attention_mask=there.long()).last_hidden_state
    hidden = decode(
        Read(states, there), [body[end:] for body, end in zip(bodies, ends, strict=True)]
    )
    starts = map(len, prefixes)
    rows = zip(states, hidden, bodies, starts, ends, strict=True)
    return [
        torch.cat([one[start : start + end], two[: len(body) - end]])
        for one, two, body, start, end in rows
    ]


def decoded(model: Any, read: Read, ids: torch.Tensor, **settings: Any) -> torch.Tensor:
    """Let the decoder read ids, rows × ids.

    Returns:
        Hidden states, rows × ids × width.
    """
    prompts: Any = {
        "encoder_hidden_states": read.states,
        "encoder_attention_mask": read.there.long(),
    }
    hidden: torch.Tensor = model.get_decoder()(
        input_ids=ids, **prompts, **settings
    ).last_hidden_state
    return hidden
