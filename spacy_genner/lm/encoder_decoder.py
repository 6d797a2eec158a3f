"""What the encoder and the decoder read of a sequence of token ids.

A prompt ends with the token id that the decoder starts with, which occurs in no text: the encoder
reads what comes before that id, and the decoder reads on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from .steps import padded


class Read(NamedTuple):
    """What an encoder has read.

    Attributes:
        states: Its hidden states, rows × length × width.
        there: Which of the token ids are not padding, rows × length.
    """

    states: torch.Tensor
    there: torch.Tensor


def start_of(model: Any) -> int:
    """Return the token id that the decoder of a model starts with.

    Raises:
        ValueError: If the configuration of the model has no such id.
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
    """Return the hidden states of bodies, each of them a prompt and as much of its answer as is
    known.

    Args:
        closing: The token ids with which the encoder expects a text to end.
        prefixes: What the encoder reads before each body.
        decode: A function that lets the decoder read answers, and returns their hidden states,
            padded on the right.

    Returns:
        For each body, length × width.
    """
    start = start_of(model)
    ends = [list(body).index(start) for body in bodies]
    prompts = [
        [*prefix, *body[:end], *closing]
        for prefix, body, end in zip(prefixes, bodies, ends, strict=True)
    ]
    answers = [body[end:] for body, end in zip(bodies, ends, strict=True)]
    ids, there = padded(prompts, model.device)
    states = model.get_encoder()(input_ids=ids, attention_mask=there.long()).last_hidden_state
    hidden = decode(Read(states, there), answers)
    result = []
    for row, (prefix, end, answer) in enumerate(zip(prefixes, ends, answers, strict=True)):
        of_prompt = states[row, len(prefix) : len(prefix) + end]
        result.append(torch.cat([of_prompt, hidden[row, : len(answer)]]))
    return result


def decoded(model: Any, read: Read, ids: torch.Tensor, **settings: Any) -> torch.Tensor:
    """Let the decoder of a model read token ids.

    Args:
        read: What the encoder has read.
        ids: Token ids, rows × length.
        settings: Further arguments of the decoder.

    Returns:
        Hidden states, rows × length × width.
    """
    output = model.get_decoder()(
        input_ids=ids,
        encoder_hidden_states=read.states,
        encoder_attention_mask=read.there.long(),
        **settings,
    )
    hidden: torch.Tensor = output.last_hidden_state
    return hidden
