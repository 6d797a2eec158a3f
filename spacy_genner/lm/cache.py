"""Keys and values of what a model has read. The one place that knows Hugging Face's cache."""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import DynamicCache


def empty_cache() -> DynamicCache:
    """A cache that keeps everything, whatever the kinds of layers: what a sliding window hides, the mask hides."""
    return DynamicCache()


def repeated(cache: Any, rows: int) -> Any:
    """A copy of a cache of one row, for many rows."""
    result = copy.deepcopy(cache)
    result.batch_repeat_interleave(rows)
    return result


def select_rows(cache: Any, rows: torch.Tensor) -> None:
    """Keep these rows of a cache only, in place."""
    cache.batch_select_indices(rows)
