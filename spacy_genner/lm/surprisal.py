"""How improbable plain text is for a causal language model."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from .pieces import Pieces
from .steps import Steps

_ROWS = 512
"""At most how many rows of logits are in memory at once."""


@torch.inference_mode()
def surprisal(steps: Steps, tokenizer: Any, text: str, context: int) -> tuple[float, int]:
    """Return the surprisal of a text, which is its negative log-probability, and its length.

    The text is read in windows, each of which begins as the model expects a text to begin. They
    overlap by half, and a token id counts in the first window that has it: it is predicted from at
    least half a window of the text before it, unless the text begins later than that.

    Args:
        steps: The step model of a causal language model.
        tokenizer: Its tokenizer, from transformers.
        text: The text, which may be longer than what the model can read at once.
        context: The length of a window in token ids, without those with which it begins.

    Returns:
        The surprisal in nats, and the number of token ids of the text.

    Raises:
        ValueError: If the model computes NaN.
    """
    pieces = Pieces(tokenizer)
    start, ids = pieces.encode_prefix(""), pieces.encode(text)
    total, done = 0.0, 0
    with tqdm(total=len(ids), unit="id", leave=False, disable=None) as bar:
        while done < len(ids):
            begin = max(0, done - context // 2)
            window = ids[begin : begin + context]
            total += _of_last([*start, *window], begin + len(window) - done, steps)
            bar.update(begin + len(window) - done)
            done = begin + len(window)
    if math.isnan(total):
        raise ValueError(
            "the language model computes NaN: its weights are damaged, or it needs dtype = "
            '"float32"'
        )
    return total, len(ids)


def _of_last(ids: list[int], count: int, steps: Steps) -> float:
    """Return the surprisal of the last ones of some token ids, given those before them."""
    read = torch.tensor([ids[:-1]], device=steps.model.device)
    states = steps.model.get_decoder()(input_ids=read, use_cache=False).last_hidden_state
    wanted = torch.tensor(ids[-count:], device=read.device)
    pairs = zip(states[0, -count:].split(_ROWS), wanted.split(_ROWS), strict=True)
    return sum(
        cross_entropy(steps.head.logits(part), right, reduction="sum").item()
        for part, right in pairs
    )
