"""Keys and values of what a model has read. The one place that knows Hugging Face's cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache, EncoderDecoderCache

KeysAndValues = tuple[torch.Tensor, torch.Tensor]
"""Keys and values: rows × heads × slots × width."""


Slots = tuple[torch.Tensor, torch.Tensor]
"""The indices of rows, and of their slots."""


def empty_cache() -> DynamicCache:
    """A cache that keeps everything, whatever the kinds of layers: what a sliding window hides, the
    mask hides."""
    return DynamicCache()


def repeated(cache: Any, rows: int) -> Any:
    """A cache of one row, for many rows."""
    return _filled(
        (keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1))
        for keys, values in _layers(cache)
    )


def gathered(caches: Sequence[Any], used: Sequence[Slots]) -> Any:
    """A copy of rows and slots of caches, see `stacked`."""
    layers = zip(*map(_layers, caches), strict=True)
    return _filled(
        tuple(stacked(tensors, used) for tensors in zip(*layer, strict=True)) for layer in layers
    )


def stacked(tensors: Sequence[torch.Tensor], used: Sequence[Slots]) -> torch.Tensor:
    """Rows of tensors below one another, with their slots, the last axis but one, on the left and
    zeros behind."""
    parts = [
        tensor[rows].index_select(-2, slots)
        for tensor, (rows, slots) in zip(tensors, used, strict=True)
    ]
    width = max(part.shape[-2] for part in parts)
    return torch.cat([pad(part, (0, 0, 0, width - part.shape[-2])) for part in parts])


def reordered(cache: Any, order: torch.Tensor) -> Any:
    """A copy of a cache with other slots in each row: their indices, rows × slots."""
    index = order[:, None, :, None]
    return _filled(
        tuple(part.take_along_dim(index, dim=2) for part in layer) for layer in _layers(cache)
    )


def beside(own: Any, cross: Any) -> Any:
    """What a decoder remembers that has an encoder beside it: of its own ids, and of the
    encoder's."""
    return EncoderDecoderCache(own, cross)


def _layers(cache: Any) -> list[KeysAndValues]:
    if hasattr(cache, "key_cache"):  # transformers 4
        return list(zip(cache.key_cache, cache.value_cache, strict=True))
    return [(layer.keys, layer.values) for layer in cache.layers]


def _filled(layers: Iterable[tuple[torch.Tensor, ...]]) -> Any:
    cache = empty_cache()
    for index, (keys, values) in enumerate(layers):
        cache.update(keys, values, index)
    return cache
