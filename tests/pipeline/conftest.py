"""Pipelines with `generative_ner` on a tiny random language model."""

from collections.abc import Callable
from typing import Any

import pytest
from spacy.language import Language


@pytest.fixture
def add_tiny(tiny: Callable[..., str]) -> Callable[..., Any]:
    """`add_tiny(nlp, **config)`: add a component on a tiny random language model, in float32 on the
    CPU."""

    def add(
        nlp: Language, name: str = "generative_ner", lm: dict[str, Any] | None = None, **config: Any
    ) -> Any:
        model = {
            "lm": {"name": tiny(), "dtype": "float32", "device": "cpu", **(lm or {})},
            **config.pop("model", {}),
        }
        return nlp.add_pipe(
            "generative_ner", name=name, config={"labels": ["ORG", "GPE"], "model": model, **config}
        )

    return add
