"""A model that we would read otherwise than it reads itself is refused."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch

from spacy_genner.lm.check import check_reading
from spacy_genner.lm.head import Head
from tests.conftest import FAMILIES
from tests.tiny_t5 import KINDS


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_known_families_pass(
    tiny_lm: Callable[..., Any], family: str, dtype: torch.dtype
) -> None:
    check_reading(deepcopy(tiny_lm(family).base.model).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_encoder_decoder_models_pass(
    tiny_seq2seq: Callable[..., Any], kind: str, dtype: torch.dtype
) -> None:
    check_reading(deepcopy(tiny_seq2seq(kind).base.model).to(dtype))


def test_the_scaling_of_t5_is_needed(
    tiny_seq2seq: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_seq2seq("t5").base.model
    monkeypatch.setattr("spacy_genner.lm.head.scales_hidden", lambda config: False)
    with pytest.raises(ValueError, match="models of the type t5 cannot be used"):
        check_reading(model)


def test_an_unknown_scaling_is_refused(tiny_lm: Callable[..., Any]) -> None:
    model = tiny_lm().base.model
    hook = model.lm_head.register_forward_hook(lambda _module, _inputs, logits: logits * 1.5)
    try:
        with pytest.raises(ValueError, match="models of the type llama cannot be used"):
            check_reading(model)
    finally:
        hook.remove()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_computes_no_numbers_is_refused(
    tiny_lm: Callable[..., Any], value: float
) -> None:
    model = tiny_lm().base.model
    hook = model.lm_head.register_forward_hook(lambda _module, _inputs, logits: logits + value)
    try:
        with pytest.raises(
            ValueError, match=r'computes NaN or infinity: .* or it needs dtype = "float32"'
        ):
            check_reading(model)
    finally:
        hook.remove()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_we_read_no_numbers_from_is_refused(
    tiny_lm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    finish = Head._finish
    monkeypatch.setattr(Head, "_finish", lambda head, logits: finish(head, logits) + value)
    with pytest.raises(ValueError, match="models of the type llama cannot be used"):
        check_reading(tiny_lm().base.model)


def test_attention_to_what_follows_is_refused(
    tiny_lm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_lm().base.model
    forward = type(model).forward

    def both_ways(self: Any, input_ids: torch.Tensor, **settings: Any) -> Any:
        length = input_ids.shape[1]
        return forward(
            self, input_ids, attention_mask=torch.zeros(1, 1, length, length), **settings
        )

    monkeypatch.setattr(type(model), "forward", both_ways)
    with pytest.raises(ValueError, match="cannot be used"):
        check_reading(model)
