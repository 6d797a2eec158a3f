"""Keys and values of what a model has read. The one place that knows Hugging Face's cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from transformers import DynamicCache

Layer = tuple[torch.Tensor, torch.Tensor]
"""Keys and values: rows × heads × slots × width."""


def empty_cache() -> DynamicCache:
    """A cache that keeps everything, whatever the kinds of layers: what a sliding window hides, the mask hides."""
    return DynamicCache()


def repeated(cache: Any, rows: int) -> Any:
    """A cache of one row, for many rows."""
    return _filled((keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)) for keys, values in _layers(cache))


def selected(cache: Any, rows: torch.Tensor, slots: torch.Tensor) -> Any:
    """A copy of these rows and slots of a cache."""
    return _filled((keys[rows][:, :, slots], values[rows][:, :, slots]) for keys, values in _layers(cache))


def _layers(cache: Any) -> list[Layer]:
    if hasattr(cache, "key_cache"):  # transformers 4
        return list(zip(cache.key_cache, cache.value_cache, strict=True))
    return [(layer.keys, layer.values) for layer in cache.layers]


def _filled(layers: Iterable[Layer]) -> Any:
    cache = empty_cache()
    for index, (keys, values) in enumerate(layers):
        cache.update(keys, values, index)
    return cache
