"""How many documents are decoded together."""

from __future__ import annotations

import math
from typing import Any

from ..lm.language_model import LanguageModel

_PASSES = 8
"""How many times `batch_tokens` a group has words. The passes at the end of a group are not full:
the fewer words it has, the more of its passes these are; the more, the later its documents come."""


def group_words(model: Any) -> float:
    """Return how many words are decoded together: waiting for more would hardly make decoding
    faster. It is infinite if the engine makes batches of its own.

    Args:
        model: The network of `generative_ner`.
    """
    batch_tokens: int | None = getattr(model.attrs["decoder"], "batch_tokens", None)
    if batch_tokens is None or not isinstance(model.shims[0].lm, LanguageModel):
        return math.inf
    return _PASSES * batch_tokens
