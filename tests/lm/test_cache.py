"""A cache that was read once serves many rows, and rows can leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from spacy_genner.lm.cache import beside, empty_cache, gathered, reordered, repeated
from tests.conftest import FAMILIES


def filled(model: Any, ids: list[list[int]]) -> Any:
    cache = empty_cache()
    with torch.inference_mode():
        model(torch.tensor(ids), past_key_values=cache, use_cache=True)
    return cache


def layers(cache: Any, model: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values, layer by layer, under both versions of transformers."""
    count = model.config.num_hidden_layers
    if hasattr(cache, "key_cache"):
        return [(cache.key_cache[i], cache.value_cache[i]) for i in range(count)]
    return [(cache.layers[i].keys, cache.layers[i].values) for i in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cache_keeps_everything(tiny_lm: Callable[..., Any], family: str) -> None:
    """Also in layers with a sliding window, of 8 here."""
    model = tiny_lm(family).base.model
    cache = filled(model, [list(range(3, 23))])
    assert [keys.shape[2] for keys, _ in layers(cache, model)] == [
        20
    ] * model.config.num_hidden_layers
    assert cache.get_seq_length() == 20


@pytest.mark.parametrize("family", FAMILIES)
def test_a_repeated_cache_has_equal_rows_and_leaves_the_first_one_alone(
    tiny_lm: Callable[..., Any], family: str
) -> None:
    model = tiny_lm(family).base.model
    cache = filled(model, [[3, 4, 5]])
    before = [(keys.clone(), values.clone()) for keys, values in layers(cache, model)]
    many = repeated(cache, 3)
    for old, new in zip(before, layers(many, model), strict=True):
        for one, three in zip(old, new, strict=True):
            assert three.shape[0] == 3
            assert all(torch.equal(row, one[0]) for row in three)
    with torch.inference_mode():
        model(torch.tensor([[6], [7], [8]]), past_key_values=many, use_cache=True)
    for old, now in zip(before, layers(cache, model), strict=True):
        assert torch.equal(old[0], now[0])
        assert torch.equal(old[1], now[1])


@pytest.mark.parametrize(
    ("rows", "slots"), [([0], [0, 1]), ([2, 0], [1]), ([1, 2], [0]), ([0, 1, 2], [0, 1])]
)
def test_rows_and_slots_of_two_caches(
    tiny_lm: Callable[..., Any], rows: list[int], slots: list[int]
) -> None:
    model = tiny_lm().base.model
    one, two = filled(model, [[3, 4], [5, 6], [7, 8]]), filled(model, [[9, 10, 11]])
    every = (torch.tensor([0]), torch.arange(3))
    new = layers(gathered([one, two], [(torch.tensor(rows), torch.tensor(slots)), every]), model)
    for first, second, both in zip(layers(one, model), layers(two, model), new, strict=True):
        for a, b, c in zip(first, second, both, strict=True):
            assert torch.equal(c[: len(rows), :, : len(slots)], a[rows][:, :, slots])
            assert not c[: len(rows), :, len(slots) :].any()
            assert torch.equal(c[len(rows) :], b)


def test_slots_in_another_order(tiny_lm: Callable[..., Any]) -> None:
    model = tiny_lm().base.model
    old = filled(model, [[3, 4, 5], [6, 7, 8]])
    order = torch.tensor([[1, 0], [2, 1]])
    for before, after in zip(layers(old, model), layers(reordered(old, order), model), strict=True):
        for a, b in zip(before, after, strict=True):
            assert torch.equal(b[0], a[0][:, [1, 0]])
            assert torch.equal(b[1], a[1][:, [2, 1]])


def test_what_a_decoder_beside_an_encoder_remembers(tiny_seq2seq: Callable[..., Any]) -> None:
    """It fills both caches, and reads on with them without what the encoder said."""
    model = tiny_seq2seq("umt5").base.model
    prompt = torch.tensor([[3, 4, 5]])
    with torch.inference_mode():
        states = model.get_encoder()(prompt).last_hidden_state
        whole = model.get_decoder()(
            torch.tensor([[0, 6, 7]]), encoder_hidden_states=states
        ).last_hidden_state
        own, cross = empty_cache(), empty_cache()
        for ids, seen in (([[0, 6]], states), ([[7]], torch.zeros_like(states))):
            cache = beside(own, cross)
            last = model.get_decoder()(
                torch.tensor(ids), encoder_hidden_states=seen, past_key_values=cache
            )
    assert (own.get_seq_length(), cross.get_seq_length()) == (3, 3)
    torch.testing.assert_close(last.last_hidden_state[0, -1], whole[0, -1], atol=1e-4, rtol=1e-4)
