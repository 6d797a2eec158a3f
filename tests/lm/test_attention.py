"""Masks come from positions; what cannot be masked so is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig

from spacy_genner.lm.attention import attention_mask, layer_kinds

MIXED = {
    "num_hidden_layers": 2,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 4,
}


def config(family: str, attention: str = "sdpa", **changes: Any) -> Any:
    made = AutoConfig.for_model(family, **changes)
    made._attn_implementation = attention
    return made


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (config("llama"), {"full_attention"}),
        (config("llama", "eager"), {"full_attention"}),
        (config("granite"), {"full_attention"}),
        (config("qwen3"), {"full_attention"}),
        (config("mistral", sliding_window=16), {"sliding_attention"}),
        (config("mistral", sliding_window=None), {"full_attention"}),
        (config("gemma3_text", **MIXED), {"full_attention", "sliding_attention"}),
        (config("gemma3", text_config=MIXED), {"full_attention", "sliding_attention"}),
    ],
    ids=lambda value: value.model_type if hasattr(value, "model_type") else "",
)
def test_the_kinds_of_layers(made: Any, kinds: set[str]) -> None:
    assert layer_kinds(made) == kinds


def test_a_window_that_is_switched_off() -> None:
    made = config("llama")
    made.sliding_window, made.use_sliding_window = 16, False
    assert layer_kinds(made) == {"full_attention"}


@pytest.mark.parametrize("kind", ["linear_attention", "chunked_attention", "mamba"])
def test_layers_that_cannot_look_past_a_hole_are_refused(kind: str) -> None:
    made = config("llama")
    made.layer_types = ["full_attention", kind]
    with pytest.raises(
        ValueError,
        match=f"llama has layers of the kind {kind}: choose a model that has only layers with full",
    ):
        layer_kinds(made)


def test_a_model_with_chunked_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="llama4_text has layers of the kind chunked_attention"):
        layer_kinds(config("llama4_text"))


@pytest.mark.parametrize("attention", ["flash_attention_2", "flex_attention"])
def test_implementations_without_masks_are_refused(attention: str) -> None:
    with pytest.raises(
        ValueError,
        match=f'attention = "{attention}" takes no mask with holes: choose "sdpa" or "eager"',
    ):
        layer_kinds(config("llama", attention))


positions = st.lists(st.integers(0, 20), min_size=1, max_size=8)


@given(queries=positions, keys=positions, ahead=st.booleans(), data=st.data())
def test_a_query_reads_visible_keys_at_its_position_and_before_or_ahead_too(
    queries: list[int], keys: list[int], ahead: bool, data: st.DataObject
) -> None:
    row = st.lists(st.booleans(), min_size=len(keys), max_size=len(keys))
    visible = data.draw(st.lists(row, min_size=len(queries), max_size=len(queries)))
    made = config("gemma3_text", **MIXED)
    places = torch.tensor([queries]), torch.tensor([keys])
    masks = attention_mask(made, *places, torch.tensor([visible]), dtype=torch.float32, ahead=ahead)
    assert set(masks) == {"full_attention", "sliding_attention"}
    for kind, reach in (("full_attention", 100), ("sliding_attention", 4)):
        expected = [
            [
                seen and (-reach if ahead else -1) < query - key < reach
                for key, seen in zip(keys, row, strict=True)
            ]
            for query, row in zip(queries, visible, strict=True)
        ]
        assert masks[kind].shape == (1, 1, len(queries), len(keys))
        assert masks[kind][0, 0].eq(0).tolist() == expected
        assert (
            masks[kind][0, 0].eq(torch.finfo(torch.float32).min).logical_not().tolist() == expected
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_with_one_kind_of_layers_gets_one_mask(dtype: torch.dtype) -> None:
    places = torch.arange(6)[None]
    everything = torch.ones(1, 1, 6, dtype=torch.bool)
    full = attention_mask(config("llama"), places, places, everything, dtype)
    sliding = attention_mask(config("mistral", sliding_window=2), places, places, everything, dtype)
    assert isinstance(full, torch.Tensor)
    assert isinstance(sliding, torch.Tensor)
    assert full.dtype == sliding.dtype == dtype
    assert full.isfinite().all()
    assert full[0, 0].eq(0).sum(1).tolist() == [1, 2, 3, 4, 5, 6]
    assert sliding[0, 0].eq(0).sum(1).tolist() == [1, 2, 2, 2, 2, 2]
