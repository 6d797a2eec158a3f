"""The surprisal of a text is what the model itself computes, window by window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from spacy_genner.lm import surprisal as module
from spacy_genner.lm.surprisal import surprisal
from spacy_genner.weights.tuning import FullTuning
from tests.conftest import FAMILIES, SENTENCES

TEXT = " ".join(SENTENCES)


def log_prob(model: Any, before: list[int], id: int) -> float:
    """The log-probability of a token id after others, as transformers computes it."""
    with torch.inference_mode():
        logits = model(torch.tensor([before])).logits[0, -1]
    return float(logits.float().log_softmax(-1)[id])


def ids_of(lm: Any) -> tuple[list[int], list[int]]:
    """With what a text begins, and its token ids."""
    return list(lm.pieces.encode_prefix("")), list(lm.pieces.encode(TEXT))


@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_that_fits_is_read_at_once(
    tiny_lm: Callable[..., Any], family: str, tokenizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", 7)  # more than one part
    lm = tiny_lm(family, tokenizer)
    start, ids = ids_of(lm)
    expected = -sum(log_prob(lm.base.model, [*start, *ids[:i]], id) for i, id in enumerate(ids))
    found, count = surprisal(lm.base_steps, lm.tokenizer, TEXT, len(ids))
    assert count == len(ids) and found == pytest.approx(expected, rel=1e-4)
    assert surprisal(lm.base_steps, lm.tokenizer, TEXT, 10 * count) == (found, count)


@pytest.mark.parametrize("context", [2, 9, 64])
def test_windows_overlap_by_half_and_each_begins_like_a_text(
    tiny_lm: Callable[..., Any], context: int
) -> None:
    lm = tiny_lm()
    start, ids = ids_of(lm)
    assert len(ids) > 2 * context
    expected, stride = 0.0, context - context // 2
    for i, id in enumerate(ids):
        window = max(0, -(-(i + 1 - context) // stride))  # the first one that has the id
        expected -= log_prob(lm.base.model, [*start, *ids[window * stride : i]], id)
    found, count = surprisal(lm.base_steps, lm.tokenizer, TEXT, context)
    assert count == len(ids) and found == pytest.approx(expected, rel=1e-4)


def test_an_ignorant_model_is_as_perplexed_as_its_vocabulary_is_large(
    tiny_lm: Callable[..., Any],
) -> None:
    lm = tiny_lm(tuning=FullTuning())
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.zero_()
    lm.changed()
    found, count = surprisal(lm.steps, lm.tokenizer, TEXT, 32)
    assert math.exp(found / count) == pytest.approx(len(lm.tokenizer), rel=1e-5)


def test_text_is_never_read_as_a_control_token(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    assert surprisal(lm.base_steps, lm.tokenizer, "<|im_end|>", 64)[1] > 1


def test_a_damaged_model_is_refused(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm(tuning=FullTuning())
    with torch.no_grad():
        next(lm.model.parameters()).fill_(math.nan)
    lm.changed()
    with pytest.raises(ValueError, match="the language model computes NaN"):
        surprisal(lm.steps, lm.tokenizer, TEXT, 64)
