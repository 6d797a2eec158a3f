"""Losses must be what torch says of the model's own logits."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from spacy_genner.decoding.moves import Decision
from spacy_genner.lm.head import Head
from spacy_genner.models.losses import LOSSES, Target, decision_loss, loss_of, token_loss
from tests.conftest import FAMILIES
from tests.strategies import examples

PREFIX, PROMPT, ANSWER = (3, 4), [5, 6, 7], [8, 9, 10, 11]
DECISIONS = [Decision(0, [8, 20], 0), Decision(1, [21, 22, 9], 2), Decision(3, [11, 30, 31, 32], 0)]
TARGET = Target(PREFIX, PROMPT, ANSWER, DECISIONS)


def logits(lm: Any, target: Target) -> torch.Tensor:
    """The model's own logits at the places where the ids of the answer are predicted."""
    ids = [*target.prefix, *target.prompt, *target.answer]
    start = len(target.prefix) + len(target.prompt) - 1
    return lm.model(torch.tensor([ids])).logits[0, start:-1]


def hidden(lm: Any, target: Target) -> torch.Tensor:
    return lm.hidden([target.prefix], [target.prompt + target.answer])[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_of_tokens(tiny_lm: Callable[..., Any], family: str) -> None:
    lm = tiny_lm(family)
    loss, count = token_loss(lm.head, hidden(lm, TARGET), TARGET)
    expected = cross_entropy(logits(lm, TARGET), torch.tensor(ANSWER), reduction="sum")
    assert count == len(ANSWER)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_of_decisions(tiny_lm: Callable[..., Any], family: str) -> None:
    lm = tiny_lm(family)
    loss, count = decision_loss(lm.head, hidden(lm, TARGET), TARGET)
    said = logits(lm, TARGET)
    expected = -sum(said[d.position, d.choices].log_softmax(-1)[d.chosen].item() for d in DECISIONS)
    assert count == 3
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@examples(0.5)
@given(data=st.data())
def test_any_decisions(lm: Any, data: st.DataObject) -> None:
    ids = st.lists(st.integers(3, 200), min_size=2, max_size=6, unique=True)
    made = []
    for position, choices in data.draw(
        st.lists(st.tuples(st.integers(0, 3), ids), min_size=1, max_size=5)
    ):
        made.append(Decision(position, choices, data.draw(st.integers(0, len(choices) - 1))))
    target = Target(PREFIX, PROMPT, ANSWER, made)
    with torch.no_grad():
        loss, count = decision_loss(lm.head, hidden(lm, target), target)
        said = logits(lm, target)
    expected = -sum(said[d.position, d.choices].log_softmax(-1)[d.chosen].item() for d in made)
    assert count == len(made)
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.fixture(scope="module")
def lm(tiny: Callable[..., str]) -> Any:
    from spacy_genner.lm.causal import CausalLM

    return CausalLM(tiny("granite"), dtype="float32", device="cpu")


@pytest.mark.parametrize("name", LOSSES)
def test_both_can_be_learnt_from(tiny_lm: Callable[..., Any], name: str) -> None:
    lm = tiny_lm()
    LOSSES[name](lm.head, hidden(lm, TARGET), TARGET)[0].backward()
    gradients = [weight.grad for weight in lm.model.parameters() if weight.requires_grad]
    assert any(gradient.abs().sum() > 0 for gradient in gradients)
    assert all(weight.grad is None for weight in lm.base.model.parameters())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_the_models_own_logits(
    tiny_lm: Callable[..., Any], name: str
) -> None:
    lm = tiny_lm()
    torch.manual_seed(0)
    for weight_name, weight in lm.model.named_parameters():
        if "lora_B" in weight_name:
            torch.nn.init.normal_(weight, std=0.1)
    trained = [weight for weight in lm.model.parameters() if weight.requires_grad]
    loss, _ = LOSSES[name](lm.head, hidden(lm, TARGET), TARGET)
    found = torch.autograd.grad(loss, trained)
    said = logits(lm, TARGET)
    if name == "tokens":
        expected = cross_entropy(said, torch.tensor(ANSWER), reduction="sum")
    else:
        expected = -torch.stack(
            [said[d.position, d.choices].log_softmax(-1)[d.chosen] for d in DECISIONS]
        ).sum()
    for one, two in zip(found, torch.autograd.grad(expected, trained), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_decisions(tiny_lm: Callable[..., Any], dtype: torch.dtype) -> None:
    lm = tiny_lm(dtype=str(dtype).removeprefix("torch."))
    target = Target(PREFIX, PROMPT, ANSWER, [])
    loss, count = decision_loss(lm.head, hidden(lm, target), target)
    assert (loss.item(), count) == (0.0, 0)
    assert loss.dtype == torch.float32
    loss.backward()
    gradients = [weight.grad for weight in lm.model.parameters() if weight.requires_grad]
    assert all(gradient is None or not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_gives_float32_losses(tiny_lm: Callable[..., Any], name: str) -> None:
    exact, rough = tiny_lm(), tiny_lm(dtype="bfloat16")
    expected = LOSSES[name](exact.head, hidden(exact, TARGET), TARGET)[0]
    found = LOSSES[name](rough.head, hidden(rough, TARGET), TARGET)[0]
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=0.1)


def test_decisions_read_only_their_choices(tiny_lm: Callable[..., Any]) -> None:
    """The whole vocabulary is never multiplied."""
    lm = tiny_lm()

    class Forbidden(Head):
        def logits(self, hidden: torch.Tensor) -> torch.Tensor:
            raise AssertionError("all logits were asked for")

    decision_loss(Forbidden(lm.base.model), hidden(lm, TARGET), TARGET)


COPYING = [
    replace(decision, copies=copies)
    for decision, copies in zip(DECISIONS, (True, False, True), strict=True)
]


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_copies_count_as_much_as_is_said(tiny_lm: Callable[..., Any], weight: float) -> None:
    lm = tiny_lm()
    target = Target(PREFIX, PROMPT, ANSWER, COPYING)
    loss, count = loss_of("decisions", weight)(lm.head, hidden(lm, target), target)
    said = logits(lm, target)
    single = [-said[d.position, d.choices].log_softmax(-1)[d.chosen].item() for d in COPYING]
    assert loss.item() == pytest.approx(
        weight * single[0] + single[1] + weight * single[2], rel=1e-5
    )
    assert count == pytest.approx(1 + 2 * weight)


def test_a_copy_counts_like_all_else_if_nothing_is_said() -> None:
    assert all(loss_of(name) is loss for name, loss in LOSSES.items())


def test_a_weighed_loss_can_be_copied() -> None:
    assert pickle.loads(pickle.dumps(loss_of("decisions", 0.5))).keywords == {"copy_weight": 0.5}


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_without_sense(weight: float) -> None:
    with pytest.raises(ValueError, match=r"copy_weight = .*: give a number above 0"):
        loss_of("decisions", weight)


def test_tokens_have_no_weights() -> None:
    with pytest.raises(ValueError, match=r'copy_weight = 0\.5: only loss = "decisions"'):
        loss_of("tokens", 0.5)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match='loss = "words": choose one of tokens, decisions'):
        loss_of("words")
