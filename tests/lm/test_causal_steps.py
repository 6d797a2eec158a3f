"""Reading on in chunks must give what one pass over the whole gives: without a cache, a batch, or
holes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from spacy_genner.lm import causal_steps
from spacy_genner.lm.attention import layer_kinds
from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.causal_steps import CausalSteps
from tests.conftest import FAMILIES
from tests.strategies import examples

VARIANTS = [(family, attention) for family in FAMILIES for attention in ("sdpa", "eager")]
FIRST, LAST = 3, 250

ids = st.integers(FIRST, LAST)
chunks = st.lists(ids, min_size=1, max_size=9)


@pytest.fixture(scope="module")
def models(tiny: Callable[..., str]) -> dict[tuple[str, str], Any]:
    def load(family: str, attention: str) -> Any:
        return CausalLM(tiny(family), dtype="float32", device="cpu", attention=attention).base.model

    return {variant: load(*variant) for variant in VARIANTS}


def alone(model: Any, row: Sequence[int]) -> torch.Tensor:
    """The hidden states of one sequence in one pass, by the model's own masks."""
    with torch.inference_mode():
        return model.get_decoder()(torch.tensor([list(row)]), use_cache=False).last_hidden_state[0]


def assert_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@examples(0.4)
@given(data=st.data())
def test_chunks_of_ragged_rows_that_forget_and_leave_equal_one_pass(
    models: dict[tuple[str, str], Any], variant: tuple[str, str], data: st.DataObject
) -> None:
    model = models[variant]
    steps = CausalSteps(model)
    prefix = tuple(data.draw(chunks, label="prefix"))
    rows = [list(prefix) for _ in range(data.draw(st.integers(1, 4), label="rows"))]
    session = steps.session(prefix, len(rows))
    for _ in range(data.draw(st.integers(1, 4), label="steps")):
        new = data.draw(st.lists(chunks, min_size=len(rows), max_size=len(rows)), label="chunks")
        hidden = session.extend(new)
        assert hidden.shape == (len(rows), max(map(len, new)), model.config.hidden_size)
        for row, chunk, states in zip(rows, new, hidden, strict=True):
            row += chunk
            assert_equal(states[: len(chunk)], alone(model, row)[-len(chunk) :])
        if data.draw(st.booleans(), label="drop"):
            counts = [data.draw(st.integers(0, len(chunk))) for chunk in new]
            session.drop(counts)
            rows = [row[: len(row) - count] for row, count in zip(rows, counts, strict=True)]
        kept = data.draw(
            st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=len(rows), unique=True)
        )
        if len(kept) < len(rows):
            session = steps.gather([(session, row) for row in kept])
            rows = [rows[i] for i in kept]


@pytest.mark.parametrize("variant", VARIANTS)
def test_far_past_a_sliding_window_with_holes(
    models: dict[tuple[str, str], Any], variant: tuple[str, str]
) -> None:
    """Cache slots and positions drift apart by 40; the window of Gemma 3 is 8 here."""
    model = models[variant]
    session = CausalSteps(model).session((3, 4, 5), 2)
    rows = [[3, 4, 5], [3, 4, 5]]
    for i in range(20):
        new = [[10 + i], [40 + i, 70 + i, 100 + i]]
        hidden = session.extend(new)
        rows = [row + chunk for row, chunk in zip(rows, new, strict=True)]
        for row, chunk, states in zip(rows, new, hidden, strict=True):
            assert_equal(states[: len(chunk)], alone(model, row)[-len(chunk) :])


def test_the_window_makes_a_difference(models: dict[tuple[str, str], Any]) -> None:
    """Otherwise the tests above would say nothing about it."""
    model = models["gemma3_text", "sdpa"]
    assert layer_kinds(model.config) == {"sliding_attention", "full_attention"}
    row = list(range(FIRST, FIRST + 30))
    expected = alone(model, row)
    model.config.sliding_window = 100
    try:
        hidden = CausalSteps(model).session((row[0],), 1).extend([row[1:]])[0]
    finally:
        model.config.sliding_window = 8
    torch.testing.assert_close(hidden[:7], expected[1:8], atol=2e-4, rtol=1e-4)
    assert not torch.allclose(hidden[-1], expected[-1], atol=1e-2)


def test_a_model_that_sees_pictures_as_well() -> None:
    """The kinds of its layers are those of its language part."""
    text = {
        **{
            "vocab_size": 60,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "head_dim": 8,
        },
        **{
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "initializer_range": 0.4,
            "sliding_window": 4,
        },
        "layer_types": ["sliding_attention", "full_attention"],
    }
    vision = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = AutoConfig.for_model(
        "gemma3", text_config=text, vision_config={**vision, "image_size": 28}
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    row = list(range(3, 30))
    steps = CausalSteps(model)
    hidden = steps.session((row[0],), 1).extend([row[1:]])[0]
    with torch.no_grad():
        logits = model(torch.tensor([row])).logits[0, 1:]
    assert_equal(steps.log_probs(hidden, [[5, 6, 7]] * len(hidden)), logits[:, 5:8].log_softmax(-1))


def test_the_prefix_is_read_once(
    models: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["llama", "sdpa"]
    decoder = model.get_decoder()
    read: list[torch.Size] = []
    forward = decoder.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        read.append(kwargs["input_ids"].shape)
        return forward(*args, **kwargs)

    monkeypatch.setattr(decoder, "forward", counting)
    steps = CausalSteps(model)
    first = steps.session((3, 4, 5, 6), 2).extend([[7], [8]])
    second = steps.session((3, 4, 5, 6), 3).extend([[7], [8], [9]])
    assert read == [(1, 4), (2, 1), (3, 1)]
    assert_equal(second[:2], first)
    steps.session((3, 4), 1)
    assert read[3:] == [(1, 2)]


def test_a_few_prefixes_are_remembered(
    models: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["llama", "sdpa"]
    monkeypatch.setattr(causal_steps, "_KEPT", 5)
    steps = CausalSteps(model)
    monkeypatch.setattr(steps, "_prefixes", kept := dict[tuple[int, ...], Any]())
    for prefix, expected in [
        ((3, 4), [(3, 4)]),
        ((5, 6, 7), [(3, 4), (5, 6, 7)]),
        ((3, 4), [(3, 4), (5, 6, 7)]),
        ((8,), [(5, 6, 7), (8,)]),
        (tuple(range(3, 12)), [tuple(range(3, 12))]),
        ((3,), [(3,)]),
    ]:
        hidden = steps.session(prefix, 1).extend([[9]])
        assert list(kept) == expected
        assert_equal(hidden[0], alone(model, [*prefix, 9])[-1:])


def test_sessions_do_not_disturb_one_another(models: dict[tuple[str, str], Any]) -> None:
    model = models["gemma3_text", "sdpa"]
    steps = CausalSteps(model)
    one, two = steps.session((3, 4), 1), steps.session((3, 4), 2)
    one.extend([[5, 6, 7]])
    two.extend([[8], [9, 10]])
    assert_equal(one.extend([[11]])[0], alone(model, [3, 4, 5, 6, 7, 11])[-1:])
    hidden = two.extend([[11], [12]])
    assert_equal(hidden[0], alone(model, [3, 4, 8, 11])[-1:])
    assert_equal(hidden[1], alone(model, [3, 4, 9, 10, 12])[-1:])


def test_rows_may_change_their_order(models: dict[tuple[str, str], Any]) -> None:
    model = models["qwen3", "sdpa"]
    steps = CausalSteps(model)
    session = steps.session((3,), 3)
    session.extend([[4], [5, 6], [7, 8, 9]])
    session = steps.gather([(session, 2), (session, 0)])
    hidden = session.extend([[10], [11]])
    assert_equal(hidden[0], alone(model, [3, 7, 8, 9, 10])[-1:])
    assert_equal(hidden[1], alone(model, [3, 4, 11])[-1:])


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_several_batches_read_on_together(
    models: dict[tuple[str, str], Any], family: str
) -> None:
    model = models[family, "sdpa"]
    steps = CausalSteps(model)
    one, two = steps.session((3, 4), 2), steps.session((5,), 2)
    one.extend([[6, 7, 8], [9]])
    two.extend([[10, 11, 12, 13, 14], [15, 16]])
    two.drop([3, 0])
    session = steps.gather([(two, 0), (one, 1), (two, 1), (one, 0)])
    rows = [[5, 10, 11], [3, 4, 9], [5, 15, 16], [3, 4, 6, 7, 8]]
    for new in ([[20], [21, 22], [23, 24, 25], [26]], [[27, 28], [29], [30], [31]]):
        hidden = session.extend(new)
        rows = [row + chunk for row, chunk in zip(rows, new, strict=True)]
        for row, chunk, states in zip(rows, new, hidden, strict=True):
            assert_equal(states[: len(chunk)], alone(model, row)[-len(chunk) :])


def test_holes_of_all_rows_take_no_room(models: dict[tuple[str, str], Any]) -> None:
    steps = CausalSteps(models["gemma3_text", "sdpa"])
    session = steps.session((3,), 3)
    session.extend([[4, 5, 6, 7], [8, 9], [10, 11, 12, 13]])
    session.drop([3, 0, 1])
    assert session.cache.get_seq_length() == 5
    session = steps.gather([(session, 0), (session, 1)])
    assert session.cache.get_seq_length() == 3
    hidden = session.extend([[14], [15]])
    assert_equal(hidden[0], alone(steps.model, [3, 4, 14])[-1:])
    assert_equal(hidden[1], alone(steps.model, [3, 8, 9, 15])[-1:])


def test_long_chunks_come_in_few_shapes(models: dict[tuple[str, str], Any]) -> None:
    """Of prefixes too."""
    model = models["gemma3_text", "sdpa"]
    prefix, rows = tuple(range(3, 14)), [[20 + n for n in range(length)] for length in (9, 13)]
    session = CausalSteps(model).session(prefix, 2)
    hidden = session.extend(rows)
    assert session.cache.get_seq_length() == 11 + 16
    assert hidden.shape[1] == 13
    for row, states in zip(rows, hidden, strict=True):
        assert_equal(states[: len(row)], alone(model, [*prefix, *row])[-len(row) :])


def test_no_gradients_are_kept(models: dict[tuple[str, str], Any]) -> None:
    hidden = CausalSteps(models["llama", "sdpa"]).session((3,), 1).extend([[4]])
    assert not hidden.requires_grad
