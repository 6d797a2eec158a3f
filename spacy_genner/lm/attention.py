"""Attention masks that are made from positions, so that they are right for caches with holes and
for each kind of layer."""

from __future__ import annotations

from typing import Any

import torch

_KINDS = {"full_attention", "sliding_attention"}


def implementation_of(name: str) -> str:
    """Check the name of an implementation of attention, and return it.

    Raises:
        ValueError: If the implementation does not accept an arbitrary mask.
    """
    if name not in ("sdpa", "eager"):
        raise ValueError(f'attention = "{name}" takes no mask with holes: choose "sdpa" or "eager"')
    return name


def layer_kinds(config: Any) -> set[str]:
    """Return the kinds of attention layers of a model.

    Args:
        config: The configuration of the model.

    Raises:
        ValueError: If a layer is of a kind that cannot attend across holes in a cache (recurrent or
            chunked), or the implementation of attention does not accept an arbitrary mask.
    """
    # A model that reads images as well has several configurations.
    config = config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    if not kinds:
        sliding = getattr(config, "sliding_window", None) and getattr(
            config, "use_sliding_window", True
        )
        kinds = {"sliding_attention" if sliding else "full_attention"}
    if unknown := kinds - _KINDS:
        names = ", ".join(sorted(unknown))
        raise ValueError(
            f"{config.model_type} has layers of the kind {names}: choose a model that has only "
            "layers with full or sliding attention"
        )
    implementation_of(config._attn_implementation)
    return kinds


def attention_mask(
    config: Any,
    queries: torch.Tensor,
    keys: torch.Tensor,
    visible: torch.Tensor,
    dtype: torch.dtype,
    *,
    ahead: bool = False,
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Return the mask with which each query attends to the visible keys at its own position and
    before it.

    Args:
        config: The configuration of the model.
        queries: The positions of the queries, rows × queries.
        keys: The positions of the keys, rows × keys.
        visible: Which keys may be attended to at all, rows × queries × keys or rows × 1 × keys.
        dtype: The type of the model.
        ahead: Whether queries attend to later positions as well. A sliding window then reaches as
            far ahead as back.

    Returns:
        What to add to the logits of attention, rows × 1 × queries × keys. For a model that mixes
        kinds of layers, one such mask for each kind.
    """
    distance = queries[:, :, None] - keys[:, None, :]
    seen = visible if ahead else visible & (distance >= 0)
    masks = {}
    for kind in layer_kinds(config):
        reach = seen
        if kind == "sliding_attention":
            reach = seen & (distance.abs() < config.get_text_config().sliding_window)
        mask = torch.zeros(reach.shape, dtype=dtype, device=reach.device)
        masks[kind] = mask.masked_fill_(~reach, torch.finfo(dtype).min)[:, None]
    return masks if len(masks) > 1 else masks.popitem()[1]
