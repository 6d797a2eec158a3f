"""The keys and values of what a model has read. Only this module knows the caches of
transformers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache, EncoderDecoderCache

KeysAndValues = tuple[torch.Tensor, torch.Tensor]
"""The keys and values of a layer, each rows × heads × slots × width."""

Slots = tuple[torch.Tensor, torch.Tensor]
"""The indices of some rows, and the indices of the slots to take from each of these rows."""


def empty_cache() -> DynamicCache:
    """Return a cache that keeps everything, whatever the kinds of layers: what is outside a sliding
    window is hidden by the mask instead."""
    return DynamicCache()


def repeated(cache: Any, rows: int) -> Any:
    """Return a cache in which each of many rows is the one row of another cache."""
    return _filled(
        (keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1))
        for keys, values in _layers(cache)
    )


def gathered(caches: Sequence[Any], used: Sequence[Slots]) -> Any:
    """Return a copy of rows and slots of several caches.

    Args:
        used: For each of the caches, the rows and slots to take.
    """
    # For each layer of the model, the keys and values of that layer in each of the caches.
    layers = zip(*map(_layers, caches), strict=True)
    return _filled(
        (
            stacked([keys for keys, _ in layer], used),
            stacked([values for _, values in layer], used),
        )
        for layer in layers
    )


def stacked(tensors: Sequence[torch.Tensor], used: Sequence[Slots]) -> torch.Tensor:
    """Concatenate rows and slots of several tensors along the first axis.

    The slots, which are the last axis but one, are moved to the left, and padded with zeros on the
    right.

    Args:
        tensors: Tensors of the shape rows × … × slots × width.
        used: For each of the tensors, the rows and slots to take.
    """
    parts = [
        tensor[rows].index_select(-2, slots)
        for tensor, (rows, slots) in zip(tensors, used, strict=True)
    ]
    width = max(part.shape[-2] for part in parts)
    return torch.cat([pad(part, (0, 0, 0, width - part.shape[-2])) for part in parts])


def stacked_slots(tensors: Sequence[torch.Tensor], used: Sequence[Slots]) -> torch.Tensor:
    """Concatenate as `stacked` does, but tensors of the shape rows × slots."""
    return stacked([tensor[..., None] for tensor in tensors], used)[..., 0]


def reordered(cache: Any, order: torch.Tensor) -> Any:
    """Return a copy of a cache with other slots in each row.

    Args:
        order: The indices of these slots, rows × slots.
    """
    index = order[:, None, :, None]
    return _filled(
        (keys.take_along_dim(index, dim=2), values.take_along_dim(index, dim=2))
        for keys, values in _layers(cache)
    )


def beside(own: Any, cross: Any) -> Any:
    """Return the cache of a decoder that has an encoder beside it.

    Args:
        own: The keys and values of the token ids that the decoder has read.
        cross: The keys and values of the token ids that the encoder has read.
    """
    return EncoderDecoderCache(own, cross)


def _layers(cache: Any) -> list[KeysAndValues]:
    if hasattr(cache, "key_cache"):  # transformers 4
        return list(zip(cache.key_cache, cache.value_cache, strict=True))
    return [(layer.keys, layer.values) for layer in cache.layers]


def _filled(layers: Iterable[KeysAndValues]) -> Any:
    cache = empty_cache()
    for index, (keys, values) in enumerate(layers):
        cache.update(keys, values, index)
    return cache
