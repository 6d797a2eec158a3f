"""The real weights, if they are downloaded: the same numbers must come out under transformers 4 and
5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.weights.manifest import verify
from spacy_genner.weights.packages import installed

pytestmark = pytest.mark.slow

PARAGRAPH = (
    "The Roman Empire was the period of imperial Roman rule over territories in Europe, North "
    "Africa, and "
    "Western Asia. After the death of Julius Caesar, his adopted son Octavian defeated Mark "
    "Antony and "
    "Cleopatra and became the first emperor. The city of Rome remained the capital for many "
    "centuries, "
    "and its laws, language and roads shaped the history of the continent."
)


@pytest.fixture(scope="module")
def folder() -> Path:
    folder = installed("smollm2-135m")
    if folder is None:
        pytest.skip("needs `python -m spacy genner download smollm2-135m`")
    verify(folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).eval()


@pytest.mark.parametrize(
    ("text", "ids", "top", "probabilities"),
    [
        (
            "The capital of France is",
            [504, 3575, 282, 4649, 314],
            [7042, 260, 4528, 2250, 1315],
            [0.77058, 0.06422, 0.01221, 0.00997, 0.00927],
        ),
        (
            "Opened in 1999, the museum",
            [20091, 2302, 281, 216, 33, 41, 41, 41, 28, 260, 6508],
            [506, 553, 314, 282, 436],
            [0.19756, 0.08233, 0.05203, 0.04563, 0.04501],
        ),
    ],
)
def test_known_predictions(
    tokenizer: Any,
    model: Any,
    text: str,
    ids: list[int],
    top: list[int],
    probabilities: list[float],
) -> None:
    encoded = tokenizer(text, return_tensors="pt")
    assert encoded.input_ids[0].tolist() == ids
    with torch.inference_mode():
        found = model(**encoded).logits[0, -1].softmax(-1).topk(5)
    assert found.indices.tolist() == top
    assert found.values.tolist() == pytest.approx(probabilities, abs=1e-4)


def test_rope_theta(model: Any) -> None:
    # the slowest frequency depends on it most: theta ** -(62 / 64)
    assert model.model.rotary_emb.inv_freq[-1].item() == pytest.approx(
        100_000 ** (-62 / 64), rel=1e-5
    )


def test_english_is_likely(tokenizer: Any, model: Any) -> None:
    ids = tokenizer(PARAGRAPH, return_tensors="pt").input_ids
    with torch.inference_mode():
        assert model(ids, labels=ids).loss.exp().item() == pytest.approx(14.732, abs=0.05)


def test_greedy_continuation(tokenizer: Any, model: Any) -> None:
    encoded = tokenizer("The capital of France is", return_tensors="pt")
    output = model.generate(**encoded, max_new_tokens=2, do_sample=False)
    assert tokenizer.decode(output[0]) == "The capital of France is Paris."


def test_special_tokens(tokenizer: Any) -> None:
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.eos_token_id) == (
        "<|im_start|>",
        "<|im_end|>",
        2,
    )
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat.endswith("<|im_start|>user\nhi<|im_end|>\n")


@pytest.mark.parametrize(
    "text", ["a  b\n\n c\t 1234 5,678.90 don't  \n end ", "Café 東京 😀 [Essex | ORG]"]
)
def test_texts_survive(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text
