"""A tiny random Llama written as GGUF must come back as the same model and the same tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from spacy_genner.weights.from_gguf import _tensor, convert_gguf
from tests.tiny_gguf import THETA, tiny_llama, vocabulary, write_gguf


@pytest.fixture(scope="module")
def original() -> LlamaForCausalLM:
    return tiny_llama(len(vocabulary()[0]))


@pytest.fixture(scope="module")
def converted(original: LlamaForCausalLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    write_gguf(folder.with_suffix(".gguf"), original)
    convert_gguf(folder.with_suffix(".gguf"), folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(converted: Path) -> Any:
    return AutoTokenizer.from_pretrained(converted)


def test_the_logits_are_those_of_the_original(original: LlamaForCausalLM, converted: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(converted, torch_dtype=torch.float32).eval()
    ids = torch.arange(3, 63).unsqueeze(0)
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, original(ids).logits)


def test_rope_theta_stands_where_both_versions_of_transformers_look(converted: Path) -> None:
    config = json.loads((converted / "config.json").read_text())
    assert config["rope_theta"] == THETA
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": THETA}


def test_input_and_output_embeddings_stay_tied(converted: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(converted)
    assert (
        model.get_output_embeddings().weight.data_ptr()
        == model.get_input_embeddings().weight.data_ptr()
    )


def test_quantised_tensors_are_unpacked(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "q.gguf"), "llama")
    weight = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    kind = gguf.GGMLQuantizationType.Q4_1
    packed = gguf.quantize(weight, kind)
    writer.add_tensor("token_embd.weight", packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    name, tensor = _tensor(gguf.GGUFReader(tmp_path / "q.gguf").tensors[0], {})
    assert name == "model.embed_tokens.weight"
    assert torch.equal(tensor, torch.from_numpy(gguf.dequantize(packed, kind)).bfloat16())


def test_special_tokens_and_chat_template_are_kept(converted: Path, tokenizer: Any) -> None:
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    special = (tokenizer.unk_token, tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token)
    assert special == ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_end|>")
    assert tokenizer("<|im_end|><repo_name>").input_ids == [2, 3]
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "the cat"}], tokenize=False)
    assert chat == "<|im_start|>the cat<|im_end|>"
    model = AutoModelForCausalLM.from_pretrained(converted)
    ids = model.generation_config
    assert (ids.bos_token_id, ids.eos_token_id, ids.pad_token_id) == (1, 2, 2)


def test_the_tokenizer_gives_what_generate_accepts(tokenizer: Any) -> None:
    assert set(tokenizer("the cat")) == {"input_ids", "attention_mask"}


def test_nothing_is_added_to_a_text(tokenizer: Any) -> None:
    assert tokenizer.decode(tokenizer("the cat").input_ids) == "the cat"


def test_digits_stand_alone(tokenizer: Any) -> None:
    assert "1998" in "".join(vocabulary()[0]), (
        "the vocabulary must hold a longer number for this to say anything"
    )
    assert tokenizer.tokenize("1998 in") == ["1", "9", "9", "8", "Ġin"]


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_text_survives(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


@pytest.mark.parametrize(
    "text", ["a\n\n b", "  two  spaces ", "1,234.50\t7", "東京 😀 é", "[Essex | ORG]"]
)
def test_white_space_and_scripts_survive(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "gemma"}, r"\('gemma', 'smollm'\): only \('llama', 'smollm'\)"),
        ({"pre": "qwen2"}, r"\('llama', 'qwen2'\): only \('llama', 'smollm'\)"),
        ({"extra": "rope_freqs.weight"}, "'rope_freqs.weight' is not part of SmolLM2"),
        ({"extra": "blk.0.attn_q.bias"}, "'blk.0.attn_q.bias' is not part of SmolLM2"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    original: LlamaForCausalLM, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    write_gguf(tmp_path / "other.gguf", original, **changes)
    with pytest.raises(ValueError, match=message):
        convert_gguf(tmp_path / "other.gguf", tmp_path)
    assert not (tmp_path / "config.json").exists()
