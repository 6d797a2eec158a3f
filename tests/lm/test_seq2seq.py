"""An encoder–decoder language model as a whole: loaded, trained, saved with or without its base,
copied."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM

from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.seq2seq import Seq2SeqLM
from spacy_genner.weights.tuning import FullTuning, LoRA, Tuning
from tests.lm.test_causal import saved, shaken
from tests.tiny_t5 import KINDS, save_model

TUNINGS: dict[str, Tuning] = {"lora": LoRA(r=4), "full": FullTuning()}
tunings = pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)
PREFIX, BODIES = (3, 4), [[5, 6, 7, 0, 8, 9], [10, *range(20, 50), 0], [11, 0, 12]]


def decoded(lm: Any) -> torch.Tensor:
    """What the merged weights say."""
    return lm.steps.session(PREFIX, 3).extend(BODIES)


def of(folder: str | Path, **settings: Any) -> Seq2SeqLM:
    return Seq2SeqLM(str(folder), **{"dtype": "float32", "device": "cpu", **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_decoding_see_the_same(tiny_seq2seq: Callable[..., Any], kind: str) -> None:
    lm = shaken(tiny_seq2seq(kind))
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.copy_(weight.bfloat16())
        trained = lm.hidden([PREFIX] * 3, BODIES)
    assert [len(states) for states in trained] == [len(body) for body in BODIES]
    for states, row in zip(trained, decoded(lm), strict=True):
        torch.testing.assert_close(states, row[: len(states)], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_reads_what_the_model_itself_would(
    tiny_seq2seq: Callable[..., Any], kind: str
) -> None:
    lm = tiny_seq2seq(kind)
    with torch.no_grad():
        expected = lm.base.model(
            torch.tensor([[3, 4, 5, 6, 7, 1]]), decoder_input_ids=torch.tensor([[0, 8, 9]])
        ).logits[0]
        logits = lm.head.logits(lm.hidden([PREFIX] * 3, BODIES)[0][3:])
    torch.testing.assert_close(logits, expected, atol=2e-4, rtol=1e-4)


def test_bfloat16(tiny_seq2seq: Callable[..., Any]) -> None:
    exact, rough = tiny_seq2seq("flan"), tiny_seq2seq("flan", dtype="bfloat16")
    assert decoded(rough).dtype == torch.bfloat16
    difference = decoded(rough).float() - decoded(exact)
    assert difference.std() < 0.05 * decoded(exact).std()
    rough.hidden([PREFIX] * 3, BODIES)[0].sum().backward()
    assert all(
        weight.grad.dtype == torch.float32
        for weight in rough.model.parameters()
        if weight.grad is not None
    )


@tunings
@pytest.mark.parametrize("kind", ["t5", "flan"])
def test_saving_and_restoring(
    tiny_seq2seq: Callable[..., Any], kind: str, tuning: Tuning, tmp_path: Path
) -> None:
    lm = shaken(tiny_seq2seq(kind, tuning=tuning))
    folder = saved(lm, tmp_path / "saved")
    other = tiny_seq2seq(kind, tuning=tuning)
    untrained = decoded(other)
    other.restore(folder)
    assert torch.equal(decoded(other), decoded(lm))
    assert not torch.equal(decoded(other), untrained)


def test_an_adapter_says_what_kind_of_model_it_is_for(
    tiny_seq2seq: Callable[..., Any], tmp_path: Path
) -> None:
    folder = saved(tiny_seq2seq(), tmp_path / "saved")
    assert json.loads((folder / "adapter_config.json").read_text())["task_type"] == "SEQ_2_SEQ_LM"


def test_an_adapter_changes_encoder_decoder_and_what_is_between(
    tiny_seq2seq: Callable[..., Any],
) -> None:
    names = [
        name for name, weight in tiny_seq2seq().model.named_parameters() if weight.requires_grad
    ]
    for part in (
        "encoder.block.0.layer.0.SelfAttention.q",
        "decoder.block.0.layer.1.EncDecAttention.k",
        "Dense.wo",
    ):
        assert any(part in name for name in names), part
    assert not any("lm_head" in name or "shared" in name for name in names)


@pytest.mark.parametrize(("kind", "other"), [("t5", "flan"), ("mt5", "flan"), ("t5", "umt5")])
def test_another_base_is_refused(
    tiny_seq2seq: Callable[..., Any], kind: str, other: str, tmp_path: Path
) -> None:
    folder = saved(tiny_seq2seq(kind), tmp_path / "saved")
    with pytest.raises(ValueError, match="has another fingerprint"):
        tiny_seq2seq(other).restore(folder)


def test_the_same_weights_with_another_scaling_are_another_base(
    tiny_t5: Callable[..., str], tmp_path: Path
) -> None:
    """Two versions of transformers may read one folder so."""
    folder = Path(shutil.copytree(tiny_t5("flan"), tmp_path / "flan"))
    before = of(folder).base.fingerprint
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    assert of(folder, attention="eager").base.fingerprint != before


@pytest.mark.parametrize("kind", ["t5", "flan", "umt5"])
def test_merging_leaves_the_scaling_as_it_is(
    tiny_t5: Callable[..., str], kind: str, tmp_path: Path
) -> None:
    """Transformers 5 calls all of them tied, and scales an untied UMT5. PEFT calls one untied that
    it merges."""
    folder = Path(shutil.copytree(tiny_t5(kind), tmp_path / kind))
    if kind == "umt5":
        save_model(folder, kind, 300, tie_word_embeddings=False)
    lm = shaken(of(folder))
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.copy_(weight.bfloat16())
        trained = lm.head.logits(lm.hidden([PREFIX] * 3, BODIES)[0])
    torch.testing.assert_close(
        lm.steps.head.logits(decoded(lm)[0, :6]), trained, atol=1e-3, rtol=1e-3
    )
    assert lm.base.model.config.to_dict() == lm.steps.model.config.to_dict()


@tunings
def test_a_bundled_base_needs_no_other(
    tiny_t5: Callable[..., str], tuning: Tuning, tmp_path: Path
) -> None:
    name = shutil.copytree(tiny_t5("flan"), tmp_path / "flan")
    lm = shaken(of(name, tuning=tuning, bundle_base=True))
    folder = saved(lm, tmp_path / "saved")
    expected, encoded = decoded(lm), lm.pieces.encode(" Essex [County]")
    shutil.rmtree(name)
    del lm
    gc.collect()
    other = of(name, tuning=tuning)
    other.restore(folder)
    assert torch.equal(decoded(other), expected)
    assert other.pieces.encode(" Essex [County]") == encoded
    assert other.pieces.answer_start == (0,)


@tunings
def test_copies_and_pickles_are_apart(tiny_seq2seq: Callable[..., Any], tuning: Tuning) -> None:
    lm = shaken(tiny_seq2seq("flan", tuning=tuning))
    expected = decoded(lm)
    assert copy.deepcopy(lm).base is lm.base
    for other in (copy.deepcopy(lm), pickle.loads(pickle.dumps(lm))):
        assert torch.equal(decoded(other), expected)
        shaken(other, seed=2)
        assert not torch.equal(decoded(other), expected)
        assert torch.equal(decoded(lm), expected)


def test_the_tokenizer_knows_how_prompt_and_answer_begin_and_end(
    tiny_seq2seq: Callable[..., Any],
) -> None:
    pieces = pickle.loads(pickle.dumps(tiny_seq2seq().pieces))
    assert (pieces.answer_start, pieces.closing, pieces.end) == ((0,), (1,), 1)


def test_a_causal_model_is_refused(tiny: Callable[..., str]) -> None:
    with pytest.raises(
        ValueError,
        match=r"cannot be loaded: llama is a causal model: use spacy_genner.CausalLM.v1",
    ):
        _ = of(tiny()).base


def save_bart(folder: Path) -> str:
    """BART has a causal twin that transformers would load instead, half of it random."""
    sizes = {
        "d_model": 32,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "vocab_size": 400,
        "init_std": 0.4,
    }
    layers = {
        f"{part}_{what}": 2
        for part in ("encoder", "decoder")
        for what in ("layers", "attention_heads")
    }
    torch.manual_seed(0)
    AutoModelForSeq2SeqLM.from_config(
        AutoConfig.for_model("bart", **sizes, **layers)
    ).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", [*KINDS, "bart"])
def test_an_encoder_decoder_model_is_no_causal_one(
    kind: str, tiny_t5: Callable[..., str], tmp_path: Path
) -> None:
    name = save_bart(tmp_path / "bart") if kind == "bart" else tiny_t5(kind)
    with pytest.raises(
        ValueError, match=r"is an encoder–decoder model: use spacy_genner.Seq2SeqLM.v1"
    ):
        _ = CausalLM(name, dtype="float32", device="cpu").base


def test_a_gguf_file_is_refused(gguf_file: Path) -> None:
    with pytest.raises(
        ValueError, match="encoder–decoder models load from safetensors only, not from GGUF"
    ):
        _ = of(gguf_file).base


def test_a_model_with_absolute_positions_is_refused(tmp_path: Path) -> None:
    """Its rows could not be moved in the cache."""
    with pytest.raises(
        ValueError, match="bart counts positions from the start: use a model of the T5 family"
    ):
        _ = of(save_bart(tmp_path / "bart")).base
