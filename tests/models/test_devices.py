"""The same results on every device. What runs on a GPU is skipped where there is none;
`benchmarks/gpu.py` runs it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Adam, Model

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.drafting import train_drafts
from spacy_genner.models.generative import build_generative_ner, set_labels
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.training import checkpoint
from spacy_genner.training.trained import Trained
from spacy_genner.weights.tuning import LoRA
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, scores

every_device = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda:0", marks=pytest.mark.gpu)]
)
Network = Model[Any, Any]


@pytest.fixture
def network(
    tiny_lm: Callable[..., Any], tiny_seq2seq: Callable[..., Any]
) -> Callable[..., Network]:
    """`network(kind, **settings)`: with labels, not yet trained."""

    def make(kind: str = "llama", **settings: Any) -> Network:
        lm = (tiny_seq2seq if kind in ("t5", "flan") else tiny_lm)(kind, **settings)
        model = build_generative_ner(lm, InlineBracketed(), Instruction(), SpeculativeDecoder())
        set_labels(model, LABELS)
        return model

    return make


def lm_of(model: Network) -> Any:
    shim: Any = model.shims[0]
    return shim.lm


@every_device
@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "granite", "t5", "flan"])
def test_decoders_find_in_float32_what_the_greedy_one_finds_on_a_cpu(
    network: Callable[..., Network], kind: str, device: str
) -> None:
    assert torch.get_float32_matmul_precision() == "highest", "TF32 is no float32"
    reference, model = network(kind), network(kind, device=device)
    reference.attrs["decoder"] = GreedyDecoder()
    expected = reference.predict(SOURCES)
    assert any(expected)
    for decoder in (GreedyDecoder(1), GreedyDecoder(), SpeculativeDecoder(1), SpeculativeDecoder()):
        model.attrs["decoder"] = decoder
        found = model.predict(SOURCES)
        assert found == expected
        for row, expected_row in zip(scores(found), scores(expected), strict=True):
            assert row == pytest.approx(expected_row, rel=1e-3)


@every_device
@pytest.mark.parametrize("kind", ["llama", "flan"])
def test_all_weights_are_on_the_device(
    network: Callable[..., Network], kind: str, device: str
) -> None:
    lm = lm_of(network(kind, device=device))
    models = (lm.base.model, lm.model, lm.steps.model)
    tensors = chain.from_iterable((*model.parameters(), *model.buffers()) for model in models)
    assert {tensor.device for tensor in tensors} == {torch.device(device)}


@every_device
def test_what_is_trained_in_bfloat16_finds_the_same_on_a_cpu(
    network: Callable[..., Network], device: str
) -> None:
    model = network(dtype="bfloat16", device=device, tuning=LoRA(r=16))
    learn(model, 60)
    expected = model.predict(SOURCES)
    assert expected == [sorted(entities) for _, entities in GOLDS]
    for dtype in ("bfloat16", "float32"):
        loaded = network(dtype=dtype, device="cpu", tuning=LoRA(r=16)).from_bytes(model.to_bytes())
        assert loaded.predict(SOURCES) == expected


@every_device
def test_drafts_change_nothing(network: Callable[..., Network], device: str) -> None:
    model = network(device=device)
    learn(model, 40)
    expected = model.predict(SOURCES)
    assert any(expected)
    train_drafts(model, GOLDS, epochs=50)
    assert model.predict(SOURCES) == expected
    loaded = network(device="cpu").from_bytes(model.to_bytes())
    heads = lm_of(model).draft_head, lm_of(loaded).draft_head
    assert [head.output.weight.device for head in heads] == [
        torch.device(device),
        torch.device("cpu"),
    ]
    assert loaded.predict(SOURCES) == expected


@every_device
def test_a_pickle_finds_the_same(network: Callable[..., Network], device: str) -> None:
    model = network(device=device)
    learn(model, 5)
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(SOURCES) == model.predict(SOURCES)
    assert lm_of(again).steps.model.device == torch.device(device)


@every_device
def test_training_goes_on_from_a_checkpoint(
    network: Callable[..., Network], device: str, tmp_path: Path
) -> None:
    model, optimizer = (
        network(device=device, tuning=LoRA(lora_dropout=0.3)),
        Adam(0.01, use_averages=False),
    )
    step(model, optimizer)
    trained = Trained({"pipe": model})
    assert trained.devices == {torch.device(device)}
    state = {"state": trained.state(), "moments": trained.moments(optimizer)}
    checkpoint.write(
        tmp_path / "c.pt", {**state, "random": checkpoint.random_states(trained.devices)}
    )
    loss = step(model, optimizer)
    saved = checkpoint.read(tmp_path / "c.pt")
    lm_of(model).reset()
    trained.set_state(saved["state"])
    trained.set_moments(optimizer, saved["moments"])
    checkpoint.set_random_states(saved["random"])
    moments: Any = trained.moments(optimizer)["lms"].popitem()[1]["state"]
    first = next(iter(moments.values()))
    assert first["step"] == 1 and first["exp_avg"].device == torch.device(device)
    assert step(model, optimizer) == pytest.approx(loss, rel=1e-4), (
        "another dropout, or other weights"
    )


def step(model: Network, optimizer: Adam) -> float:
    losses, backprop = model.begin_update(GOLDS)
    backprop(np.ones_like(losses))
    model.finish_update(optimizer)
    return float(losses.sum())
