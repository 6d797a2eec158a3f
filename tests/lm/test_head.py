"""The sparse head must give the logits of the model itself, whatever its scaling, soft-cap and
bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from spacy_genner.lm.head import NEVER, Head
from spacy_genner.weights.identity import scales_hidden
from tests.strategies import examples
from tests.tiny_t5 import KINDS

VOCABULARY = 60
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "initializer_range": 0.4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {},
    "mistral": {},
    "gemma3_text": {"final_logit_softcapping": 2.0},
    "gemma2": {"final_logit_softcapping": 3.0},
    "granite": {"logits_scaling": 4.0},
    "cohere": {"logit_scale": 0.0625},
    "cohere2": {"logit_scale": 0.25},
    "phi": {},
}
CHOICES = [[5, 6, 7], [0], [59, 1], [3, 4, 5, 6, 7, 8]]


def model(architecture: str, **changes: Any) -> Any:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        architecture, **{**SMALL, **ARCHITECTURES[architecture], **changes}
    )
    made = AutoModelForCausalLM.from_config(config).eval()
    if made.get_output_embeddings().bias is not None:
        torch.nn.init.normal_(made.get_output_embeddings().bias)
    return made


def both(made: Any, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The model's own logits, and the hidden states that they come from."""
    ids = torch.arange(3, 3 + rows)[None]
    with torch.no_grad():
        return made(ids).logits[0].float(), made.get_decoder()(ids).last_hidden_state[0]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_logits_of_choices_are_those_of_the_model(architecture: str, tied: bool) -> None:
    made = model(architecture, tie_word_embeddings=tied)
    logits, hidden = both(made, len(CHOICES))
    assert (made.get_output_embeddings().weight is made.get_input_embeddings().weight) == tied
    found = Head(made).choice_logits(hidden, CHOICES)
    assert found.shape == (4, 6)
    assert found.dtype == torch.float32
    for row, choices in enumerate(CHOICES):
        assert found[row, : len(choices)].tolist() == pytest.approx(
            logits[row, choices].tolist(), abs=1e-5
        )
        assert found[row, len(choices) :].eq(NEVER).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_logits_are_those_of_the_model(architecture: str) -> None:
    made = model(architecture)
    logits, hidden = both(made, 5)
    assert torch.allclose(Head(made).logits(hidden), logits, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_logits_of_an_encoder_decoder_model(
    tiny_seq2seq: Callable[..., Any], kind: str
) -> None:
    """A tied T5 scales the hidden state, one with an output matrix of its own does not."""
    made = tiny_seq2seq(kind).base.model
    prompt, answer = torch.arange(3, 9)[None], torch.tensor([[0, 5, 6, 7]])
    with torch.no_grad():
        logits = made(prompt, decoder_input_ids=answer).logits[0]
        encoder = made.get_encoder()(prompt).last_hidden_state
        hidden = made.get_decoder()(answer, encoder_hidden_states=encoder).last_hidden_state[0]
    head = Head(made)
    torch.testing.assert_close(head.logits(hidden), logits, atol=1e-4, rtol=1e-4)
    found = head.choice_logits(hidden, CHOICES)
    for row, choices in enumerate(CHOICES):
        torch.testing.assert_close(
            found[row, : len(choices)], logits[row, choices], atol=1e-4, rtol=1e-4
        )
    assert scales_hidden(made.config) == (kind in ("t5", "umt5"))


@pytest.mark.parametrize(
    ("architecture", "setting"),
    [
        *[("gemma3_text", "final_logit_softcapping"), ("gemma2", "final_logit_softcapping")],
        *[("granite", "logits_scaling"), ("cohere", "logit_scale"), ("cohere2", "logit_scale")],
    ],
)
def test_the_scaling_makes_a_difference(architecture: str, setting: str) -> None:
    """Otherwise the tests above would say nothing."""
    made = model(architecture)
    logits, hidden = both(made, 5)
    setattr(made.config, setting, None if setting == "final_logit_softcapping" else 1.0)
    assert not torch.allclose(Head(made).logits(hidden), logits, rtol=0.1)


def test_the_bias_makes_a_difference() -> None:
    made = model("phi")
    logits, hidden = both(made, 4)
    made.get_output_embeddings().bias.data.zero_()
    assert not torch.allclose(
        Head(made).choice_logits(hidden, [[3]] * 4)[:, 0], logits[:, 3], rtol=0.1
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_bfloat16(architecture: str) -> None:
    """The products are summed in float32, so that they are at least as exact as the model's own."""
    made = model(architecture)
    for weight in made.parameters():
        weight.data = weight.data.bfloat16()
    logits, hidden = both(made, len(CHOICES))
    assert hidden.dtype == torch.bfloat16
    head = Head(made)
    found = head.choice_logits(hidden, CHOICES)
    assert found.dtype == head.logits(hidden).dtype == torch.float32
    for row, choices in enumerate(CHOICES):
        assert found[row, : len(choices)].tolist() == pytest.approx(
            logits[row, choices].tolist(), rel=0.02, abs=0.02
        )


def test_autocast_does_not_touch_the_choices() -> None:
    made = model("llama")
    _, hidden = both(made, 1)
    expected = Head(made).choice_logits(hidden, [[3, 4]])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Head(made).choice_logits(hidden, [[3, 4]]), expected)


@examples(0.8)
@given(
    choices=st.lists(
        st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=5
    )
)
def test_any_choices(choices: list[list[int]]) -> None:
    made = model("granite")
    logits, hidden = both(made, len(choices))
    found = Head(made).choice_logits(hidden, choices)
    for row, ids in enumerate(choices):
        assert found[row, : len(ids)].tolist() == pytest.approx(logits[row, ids].tolist(), abs=1e-5)
        assert found[row, len(ids) :].eq(NEVER).all()


def test_only_the_rows_that_are_asked_for_are_read() -> None:
    made = model("llama", tie_word_embeddings=False)
    _, hidden = both(made, 2)
    made.get_output_embeddings().weight.data[10:] = float("nan")
    assert Head(made).choice_logits(hidden, [[3, 4], [9]])[0].isfinite().all()


def test_only_the_rows_that_are_asked_for_get_a_gradient() -> None:
    made = model("phi", tie_word_embeddings=False)
    _, hidden = both(made, 2)
    output = made.get_output_embeddings()
    Head(made).choice_logits(hidden.clone(), [[3, 4], [9]])[:, 0].sum().backward()
    assert output.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [3, 9]
    assert output.bias.grad.nonzero().flatten().tolist() == [3, 9]
