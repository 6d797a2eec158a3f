"""What every language model does in training, causal or encoder–decoder."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.conftest import FAMILIES
from tests.lm.test_causal import TUNINGS, shaken
from tests.lm.test_seq2seq import BODIES, PREFIX
from tests.tiny_t5 import KINDS


def trained_once(lm: Any) -> tuple[dict[str, torch.Tensor], list[int]]:
    """The gradients of some losses, and how often each feed-forward layer was begun for them."""
    layers = [module for module in shaken(lm).model.modules() if hasattr(module, "act") or hasattr(module, "act_fn")]
    times = Counter(dict.fromkeys(layers, 0))
    for layer in layers:
        layer.register_forward_pre_hook(lambda layer, _: times.update([layer]))
    lm.model.train()
    torch.manual_seed(0)  # of dropout
    sum(states[:, 0].sum() for states in lm.hidden([PREFIX] * 3, BODIES)).backward()
    gradients = {name: weight.grad for name, weight in lm.model.named_parameters() if weight.grad is not None}
    return gradients, list(times.values())


@pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)
@pytest.mark.parametrize("kind", [*FAMILIES, *KINDS])
def test_gradient_checkpointing(
    tiny_lm: Callable[..., Any], tiny_seq2seq: Callable[..., Any], kind: str, tuning: Any
) -> None:
    of = tiny_lm if kind in FAMILIES else tiny_seq2seq
    expected, once = trained_once(of(kind, tuning=tuning))
    gradients, twice = trained_once(of(kind, tuning=tuning, gradient_checkpointing=True))
    assert set(once) == {1}
    assert set(twice) == {2}
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradient, expected[name], atol=1e-4, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_gradient_checkpointing_is_for_one_pipe_only(tiny_lm: Callable[..., Any]) -> None:
    checkpointed, other = tiny_lm(gradient_checkpointing=True), tiny_lm()
    assert checkpointed.base is other.base
    assert set(trained_once(checkpointed)[1]) == {2}
    assert set(trained_once(other)[1]) == {1}


def test_a_copy_or_pickle_is_checkpointed_too(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm(gradient_checkpointing=True)
    _ = lm.model
    for other in (copy.deepcopy(lm), pickle.loads(pickle.dumps(lm))):
        assert set(trained_once(other)[1]) == {2}
