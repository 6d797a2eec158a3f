from collections.abc import Callable
from functools import cache

import pytest

from spacy_genner.lm.pieces import Pieces


@pytest.fixture(scope="session")
def pieces(tiny: Callable[..., str]) -> Callable[[str], Pieces]:
    """`pieces(tokenizer)`: a tiny tokenizer as the package uses it."""
    from transformers import AutoTokenizer

    return cache(lambda tokenizer: Pieces(AutoTokenizer.from_pretrained(tiny("llama", tokenizer))))
