"""Attention masks from positions: right for caches with holes, and for each kind of layer."""

from __future__ import annotations

from typing import Any

import torch

_KINDS = {"full_attention", "sliding_attention"}


def implementation_of(name: str) -> str:
    """The name of an implementation of attention.

    Raises:
        ValueError: If it takes no mask of our own.
    """
    if name not in ("sdpa", "eager"):
        raise ValueError(f'attention = "{name}" takes no mask with holes: choose "sdpa" or "eager"')
    return name


def layer_kinds(config: Any) -> set[str]:
    """The kinds of attention layers of a model.

    Raises:
        ValueError: For a kind of layer that cannot look back past a hole (recurrent, chunked), or
            for an attention implementation that takes no mask of our own.
    """
    config = config.get_text_config()  # of a model that sees pictures as well
    kinds = set(getattr(config, "layer_types", None) or ())
    if not kinds:
        sliding = getattr(config, "sliding_window", None) and getattr(
            config, "use_sliding_window", True
        )
        kinds = {"sliding_attention" if sliding else "full_attention"}
    if unknown := kinds - _KINDS:
        names = ", ".join(sorted(unknown))
        raise ValueError(
            f"{config.model_type} has layers of the kind {names}: choose one with attention "
            "layers only"
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
    """The mask with which each query reads the visible keys at its own position and before.

    Args:
        queries, keys: Positions, rows × queries and rows × keys.
        visible: Which keys may be read at all, rows × queries × keys, or rows × 1 × keys.
        dtype: That of the model.
        ahead: Read those at later positions as well; a sliding window then reaches as far ahead as
            back.

    Returns:
        What to add to the logits of attention, rows × 1 × queries × keys; for a model that mixes
        kinds of layers, one for each kind.
    """
    distance = queries[:, :, None] - keys[:, None, :]
    seen = visible if ahead else visible & (distance >= 0)
    masks = {}
    for kind in layer_kinds(config):
        reach = (
            seen
            if kind == "full_attention"
            else seen & (distance.abs() < config.get_text_config().sliding_window)
        )
        mask = torch.zeros(reach.shape, dtype=dtype, device=reach.device)
        masks[kind] = mask.masked_fill_(~reach, torch.finfo(dtype).min)[:, None]
    return masks if len(masks) > 1 else masks.popitem()[1]
