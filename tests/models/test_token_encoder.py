"""A decoder as an encoder: what each word's row is made of, what it depends on, and what its
gradient changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Adam

from spacy_genner.models import token_encoder
from spacy_genner.models.token_encoder import AHEAD, POOLING, Encoder, build_encoder
from spacy_genner.types import Source
from spacy_genner.weights.tuning import FullTuning, LoRA
from tests.conftest import FAMILIES

WORDS = ["The", "University", "of", "Edinburgh", "bought", "naïve", "東京", "in", "Leeds", "."]
SOURCE = Source(tuple(WORDS), (False, *[True] * 8, False))
SHORT = Source(("Leeds", "won"), (True, True))
LONG = Source(
    tuple(WORDS * 4), (False, *[True] * 39)
)  # longer than the window of Gemma's sliding layers

attentions = pytest.mark.parametrize("attention", AHEAD)
echoes = pytest.mark.parametrize("echo", [False, True], ids=["once", "echo"])
families = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def encoder(tiny_lm: Callable[..., Any]) -> Callable[..., Encoder]:
    """`encoder(family, tokenizer, attention=…, pooling=…, echo=…, **lm)`: the same weights at every
    call."""

    def make(
        *model: str,
        attention: str = "causal",
        pooling: str = "mean",
        echo: bool = False,
        **settings: Any,
    ) -> Encoder:
        made = build_encoder(
            tiny_lm(*model, **{"tuning": LoRA(r=4), **settings}), attention, pooling, echo
        )
        torch.manual_seed(0)  # after the tiny model has been made
        made.initialize()
        lm: Any = made.shims[0].lm
        with torch.no_grad():
            for weight in lm.model.parameters():
                if weight.requires_grad:
                    weight.copy_((weight + torch.randn_like(weight) * 0.1).bfloat16())
        lm.changed()
        return made

    return make


def with_words(source: Source, **changes: str) -> Source:
    """With others in some places: `_3="old"`."""
    words = [changes.get(f"_{i}", word) for i, word in enumerate(source.words)]
    return Source(tuple(words), source.spaces)


def close(found: Any, expected: Any, tolerance: float = 2e-4) -> None:
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=1e-3)


@attentions
@echoes
@pytest.mark.parametrize("pooling", POOLING)
@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
def test_a_row_is_made_of_the_states_of_a_words_ids(
    encoder: Callable[..., Encoder], attention: str, echo: bool, pooling: str, tokenizer: str
) -> None:
    """Of an echo, in the second copy, which has a space before it."""
    model = encoder("llama", tokenizer, attention=attention, pooling=pooling, echo=echo)
    lm: Any = model.shims[0].lm
    first, last = (
        lm.pieces.words(Source(SOURCE.words, (space, *SOURCE.spaces[1:])))
        for space in (False, echo)
    )
    body = [id for ids in [*(first if echo else []), *last] for id in ids]
    states = (
        lm.hidden([lm.pieces.encode_prefix("")], [body], ahead=AHEAD[attention])[0].detach().numpy()
    )
    ends = np.cumsum([len(ids) for ids in last])
    parts = np.split(states[-ends[-1] :], ends[:-1])
    assert any(len(part) > 1 for part in parts)
    reduce = {
        "mean": lambda part: part.mean(0),
        "first": lambda part: part[0],
        "last": lambda part: part[-1],
    }[pooling]
    close(model.predict([SOURCE]), [reduce(part) for part in parts])


@families
@attentions
@echoes
def test_sources_in_a_batch_are_read_as_if_alone(
    encoder: Callable[..., Encoder], family: str, attention: str, echo: bool
) -> None:
    model = encoder(family, attention=attention, echo=echo)
    batch = [SOURCE, LONG, SHORT, SOURCE, SHORT]
    alone = np.concatenate([model.predict([source]) for source in batch])
    assert alone.shape == (64, 32)
    assert alone.dtype == np.float32
    close(model.predict(batch), alone)
    close(model.begin_update(batch)[0], alone)


@families
@echoes
def test_causal_rows_do_not_depend_on_later_words(
    encoder: Callable[..., Encoder], family: str, echo: bool
) -> None:
    model = encoder(family, echo=echo)
    changed = (
        abs(model.predict([SOURCE]) - model.predict([with_words(SOURCE, _6="Essex")])).max(axis=1)
        > 1e-3
    )
    assert changed.tolist() == [echo] * 6 + [True] * 4  # an echo has seen all of the text


@families
def test_bidirectional_rows_do(encoder: Callable[..., Encoder], family: str) -> None:
    model = encoder(family, attention="bidirectional")
    difference = abs(model.predict([SOURCE]) - model.predict([with_words(SOURCE, _6="Essex")])).max(
        axis=1
    )
    assert (difference > 1e-3).all()


@pytest.mark.parametrize("pooling", POOLING)
def test_a_word_that_the_tokenizer_writes_as_nothing_has_a_row_of_zeros(
    encoder: Callable[..., Encoder], pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = encoder(pooling=pooling)
    lm: Any = model.shims[0].lm
    expected = model.predict([Source(("a", "c"), (False, True))])
    encode = lm.pieces.encode
    monkeypatch.setattr(
        lm.pieces, "encode", lambda text: encode(text) if text.strip() != "b" else ()
    )
    rows = model.predict([Source(("a", "b", "c"), (False, True, True))])
    assert not rows[1].any()
    close(rows[[0, 2]], expected)
    assert model.predict([Source(("b",), (True,))]).tolist() == [[0] * 32]


def test_more_sources_than_are_read_at_once(
    encoder: Callable[..., Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = encoder()
    batch = [SOURCE, SHORT, LONG, SHORT, SOURCE]
    expected = model.predict(batch)
    monkeypatch.setattr(token_encoder, "_SOURCES", 2)
    close(model.predict(batch), expected)


@pytest.mark.parametrize("is_train", [False, True])
def test_no_sources(encoder: Callable[..., Encoder], is_train: bool) -> None:
    rows, backprop = encoder()([], is_train)
    assert rows.shape == (0, 32)
    assert backprop(rows) == []


def trained(model: Encoder) -> dict[str, torch.Tensor]:
    lm: Any = model.shims[0].lm
    return {name: weight for name, weight in lm.model.named_parameters() if weight.requires_grad}


@attentions
@echoes
@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
def test_gradients_are_those_of_the_rows(
    encoder: Callable[..., Encoder], attention: str, echo: bool, tuning: Any
) -> None:
    model = encoder(attention=attention, echo=echo, tuning=tuning)
    rows, backprop = model.begin_update([SOURCE, SHORT])
    slope = np.cos(np.arange(rows.size, dtype="float32")).reshape(rows.shape)
    assert backprop(slope) == []
    weights = {name: weight for name, weight in trained(model).items() if weight.grad is not None}
    assert weights
    shim: Any = model.shims[0]
    again = shim._rows([SOURCE, SHORT], merged=False)
    expected = torch.autograd.grad(again, weights.values(), torch.tensor(slope))
    for weight, gradient in zip(weights.values(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, atol=1e-4, rtol=1e-3)


def test_accumulating_changes_nothing(encoder: Callable[..., Encoder]) -> None:
    """As in thinc's layers, gradients add up."""
    whole, parts = encoder(), encoder()
    for model, batches in ((whole, [[SOURCE, SHORT]]), (parts, [[SOURCE], [SHORT]])):
        for batch in batches:
            rows, backprop = model.begin_update(batch)
            backprop(np.cos(rows))
    for name, weight in trained(whole).items():
        torch.testing.assert_close(trained(parts)[name].grad, weight.grad, atol=1e-4, rtol=1e-3)
    before = copy.deepcopy(trained(whole))
    for model in (whole, parts):
        model.finish_update(Adam(0.01, grad_clip=1.0, use_averages=False))
    for name, weight in trained(whole).items():
        torch.testing.assert_close(trained(parts)[name], weight, atol=2e-3, rtol=0)
    assert any(not torch.equal(before[name], weight) for name, weight in trained(whole).items())
    close(whole.predict([SOURCE]), parts.predict([SOURCE]), tolerance=0.05)


def test_a_step_is_clipped_by_the_gradient_as_it_came(encoder: Callable[..., Encoder]) -> None:
    """With an eps that outweighs the second moment, Adam is gradient descent."""
    model = encoder()
    rows, backprop = model.begin_update([SOURCE])
    backprop(np.cos(rows))
    before = {
        name: (weight.detach().clone(), weight.grad.clone())
        for name, weight in trained(model).items()
    }
    model.finish_update(
        Adam(1e8, beta1=1e-9, beta2=1e-9, eps=1e8, grad_clip=0.0, use_averages=False)
    )
    for name, (weight, gradient) in before.items():
        torch.testing.assert_close(weight - trained(model)[name], gradient, atol=1e-5, rtol=1e-3)


def test_a_step_that_is_asked_for_too_early_waits_for_the_gradient(
    encoder: Callable[..., Encoder],
) -> None:
    """As `nlp.update` does with listeners, also when gradients of other batches are there
    already."""
    usual, early = encoder(), encoder()
    optimizers = [Adam(0.01, use_averages=False) for _ in range(2)]
    for first in (True, False):
        for model, optimizer in zip((usual, early), optimizers, strict=True):
            if first:
                rows, backprop = model.begin_update([LONG])
                backprop(rows)
            rows, backprop = model.begin_update([SOURCE])
            if model is early:
                model.finish_update(optimizer)
                model.predict([SHORT])
            backprop(rows)
            if model is usual:
                model.finish_update(optimizer)
        for name, weight in trained(usual).items():
            assert torch.equal(trained(early)[name], weight), name


def test_a_batch_without_a_gradient_keeps_those_of_others(encoder: Callable[..., Encoder]) -> None:
    """A component with nothing to learn from sends none, and keeps the way back until the next
    batch."""
    model, optimizer = encoder(), Adam(0.01, use_averages=False)
    before = {name: weight.detach().clone() for name, weight in trained(model).items()}
    rows, backprop = model.begin_update([SOURCE])
    backprop(rows)
    kept = model.begin_update([SHORT])
    model.finish_update(optimizer)
    assert kept and all(
        torch.equal(before[name], weight) for name, weight in trained(model).items()
    )
    rows, backprop = model.begin_update([SHORT])
    backprop(np.zeros_like(rows))
    assert all(torch.equal(before[name], weight) for name, weight in trained(model).items())
    model.finish_update(optimizer)
    assert not all(torch.equal(before[name], weight) for name, weight in trained(model).items())


def test_predictions_follow_a_step(encoder: Callable[..., Encoder]) -> None:
    model = encoder()
    before = model.predict([SOURCE])
    rows, backprop = model.begin_update([SOURCE])
    backprop(rows)
    close(model.predict([SOURCE]), before, tolerance=0)
    model.finish_update(Adam(0.01, use_averages=False))
    assert abs(model.predict([SOURCE]) - before).max() > 1e-3


def test_dropout_is_in_training_only(encoder: Callable[..., Encoder]) -> None:
    model = encoder(tuning=LoRA(r=4, lora_dropout=0.5))
    one, other = (model.begin_update([SOURCE])[0] for _ in range(2))
    assert abs(one - other).max() > 1e-3
    close(model.predict([SOURCE]), model.predict([SOURCE]), tolerance=0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rows_are_float32(encoder: Callable[..., Encoder], dtype: str) -> None:
    model = encoder(dtype=dtype)
    rows, backprop = model.begin_update([SOURCE])
    backprop(rows)
    assert rows.dtype == model.predict([SOURCE]).dtype == np.float32
    assert all(
        weight.grad is None or weight.grad.isfinite().all() for weight in trained(model).values()
    )


def test_saving_and_loading(encoder: Callable[..., Encoder], tiny_lm: Callable[..., Any]) -> None:
    model = encoder()
    other = build_encoder(tiny_lm(tuning=LoRA(r=4)), "causal", "mean", False).from_bytes(
        model.to_bytes()
    )
    assert other.get_dim("nO") == 32
    close(other.predict([SOURCE, SHORT]), model.predict([SOURCE, SHORT]), tolerance=0)


def test_threads_see_what_one_thread_sees(encoder: Callable[..., Encoder]) -> None:
    sources = [with_words(SOURCE, _3=f"word{n}") for n in range(40)]
    alone, together = encoder(), encoder()
    expected = [alone.predict([source]) for source in sources]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda source: together.predict([source]), sources))
    close(np.concatenate(found), np.concatenate(expected))


def test_another_base_is_refused(
    encoder: Callable[..., Encoder], tiny_lm: Callable[..., Any]
) -> None:
    other = build_encoder(tiny_lm("qwen3"), "causal", "mean", False)
    with pytest.raises(ValueError, match="has another fingerprint: get the same base weights"):
        other.from_bytes(encoder().to_bytes())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention": "both"}, 'attention = "both": choose one of causal, bidirectional'),
        ({"pooling": "max"}, 'pooling = "max": choose one of mean, first, last'),
    ],
)
def test_unknown_settings(
    encoder: Callable[..., Encoder], settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encoder(**settings)
