"""What identifies a model must change with its function, and be the same on every version of
transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from spacy_genner.weights.identity import fingerprint, settings, tokenizer_hash
from tests.conftest import FAMILIES, SIZES
from tests.tiny_t5 import SIZES as T5_SIZES
from tests.weights.test_load import load

ROPE = {"rope_type": "default", "rope_theta": "10000", "partial_rotary_factor": "1"}
LLAMA = {
    "model_type": "llama",
    "num_attention_heads": "4",
    "hidden_act": "silu",
    "rms_norm_eps": "1e-06",
}
YARN = {"rope_type": "yarn", "factor": "4", "original_max_position_embeddings": "64"}
LONG = {"type": "longrope", "short_factor": [1.0] * 4, "long_factor": [2] * 4}


def config(folder: Path, family: str = "llama", **changes: Any) -> Any:
    """A configuration out of a file, as transformers 4 writes it."""
    content = {
        "model_type": family,
        "vocab_size": 300,
        **SIZES,
        **FAMILIES.get(family, {}),
        **changes,
    }
    (folder / "config.json").write_text(json.dumps(content), encoding="utf8")
    return AutoConfig.from_pretrained(folder)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"rope_theta": 500000}, {"rope_theta": "500000"}),
        ({"rope_scaling": {"rope_type": "default"}}, {}),
        (
            {
                "rope_scaling": {
                    "rope_type": "yarn",
                    "factor": 4.0,
                    "original_max_position_embeddings": 64,
                }
            },
            YARN,
        ),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0}, "max_position_embeddings": 64}, YARN),
    ],
)
def test_every_version_reads_the_same_rotary_embeddings(
    changes: dict[str, Any], expected: dict[str, str], tmp_path: Path
) -> None:
    found = settings(config(tmp_path, **changes))
    assert found == {**LLAMA, "rope_parameters": {"full_attention": ROPE | expected}}


def test_every_version_reads_the_same_kinds_of_layers(tmp_path: Path) -> None:
    found = settings(config(tmp_path, "gemma3_text", rope_theta=777.0, rope_local_base_freq=55))
    assert found == {
        "model_type": "gemma3_text",
        "num_attention_heads": "4",
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": "1e-06",
        "query_pre_attn_scalar": "8",
        "sliding_window": "8",
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "rope_parameters": {
            "full_attention": ROPE | {"rope_theta": "777"},
            "sliding_attention": ROPE | {"rope_theta": "55"},
        },
    }


def test_layers_of_one_kind_need_no_mention(tmp_path: Path) -> None:
    assert "layer_types" not in settings(config(tmp_path, "qwen3"))


def test_rotary_embeddings_of_a_part_of_each_head(tmp_path: Path) -> None:
    ropes = settings(config(tmp_path, "phi", partial_rotary_factor=0.25))["rope_parameters"]
    assert ropes == {"full_attention": ROPE | {"partial_rotary_factor": "0.25"}}


def test_the_length_that_is_stretched_may_be_outside_the_scaling(tmp_path: Path) -> None:
    phi = config(
        tmp_path, "phi3", pad_token_id=0, original_max_position_embeddings=64, rope_scaling=LONG
    )
    rope = settings(phi)["rope_parameters"]["full_attention"]
    assert rope["original_max_position_embeddings"] == "64"
    assert rope["rope_type"] == "longrope" and rope["long_factor"] == ["2"] * 4


def test_a_model_without_rotary_embeddings(tmp_path: Path) -> None:
    found = settings(config(tmp_path, "gpt2"))
    assert found["rope_parameters"] == {} and found["layer_norm_epsilon"] == "1e-05"


def test_what_transformers_4_does_not_read_is_not_said(tmp_path: Path) -> None:
    """It computes with the default then, and that is what must be identified."""
    theta = settings(
        config(tmp_path, rope_parameters={"rope_type": "default", "rope_theta": 500.0})
    )
    old = transformers.__version__.startswith("4.")
    assert theta["rope_parameters"]["full_attention"]["rope_theta"] == ("10000" if old else "500")


def test_a_rounded_number_is_the_same(tmp_path: Path) -> None:
    assert settings(config(tmp_path, rms_norm_eps=9.999999747378752e-06))["rms_norm_eps"] == "1e-05"


def model(folder: Path, family: str, **changes: Any) -> Any:
    """Weights that depend on their shapes alone."""
    result = AutoModelForCausalLM.from_config(config(folder, family, **changes))
    with torch.no_grad():
        for weight in result.parameters():
            weight.copy_((torch.arange(weight.numel()) % 13 / 16).view(weight.shape))
    return result


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"rope_theta": 10001.0}),
        ("llama", {"rms_norm_eps": 1e-5}),
        ("llama", {"hidden_act": "gelu"}),
        ("llama", {"rope_scaling": {"rope_type": "linear", "factor": 2.0}}),
        ("qwen3", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}),
        ("gemma3_text", {"layer_types": ["full_attention", "sliding_attention"] * 2}),
        ("gemma3_text", {"sliding_window": 9}),
        ("gemma3_text", {"query_pre_attn_scalar": 9}),
        ("gemma3_text", {"rope_local_base_freq": 9.0}),
        ("gemma3_text", {"final_logit_softcapping": 30.0}),
        ("granite", {"attention_multiplier": 0.5}),
        ("granite", {"embedding_multiplier": 1.0}),
        ("granite", {"residual_multiplier": 1.0}),
        ("granite", {"logits_scaling": 1.0}),
    ],
)
def test_the_same_weights_with_another_function_are_other_ones(
    family: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    assert fingerprint(model(tmp_path, family, **changes)) != fingerprint(model(tmp_path, family))


def test_settings_without_an_effect_on_the_function_do_not_count(tmp_path: Path) -> None:
    changes = {
        "max_position_embeddings": 4096,
        "use_cache": False,
        "attention_dropout": 0.1,
        "torch_dtype": "bfloat16",
    }
    changes |= {"transformers_version": "4.0.0", "eos_token_id": 7, "attn_implementation": "eager"}
    assert fingerprint(model(tmp_path, "llama", **changes)) == fingerprint(model(tmp_path, "llama"))


def tokenizer(start: str = "<s>", **special: str) -> PreTrainedTokenizerFast:
    """Single bytes, with a token at a text's start."""
    alphabet = ["<s>", "</s>", "<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    plain = Tokenizer(models.BPE({token: i for i, token in enumerate(alphabet)}, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.add_special_tokens(alphabet[:3])
    plain.post_processor = TemplateProcessing(
        f"{start} $A".strip(), special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, **{"bos_token": "<s>", "eos_token": "</s>", **special}
    )


@pytest.mark.parametrize(
    "other", [{"start": "</s>"}, {"start": "<s> <s>"}, {"start": ""}, {"eos_token": "<pad>"}]
)
def test_start_and_end_tokens_belong_to_the_tokenizer(other: dict[str, str]) -> None:
    assert tokenizer_hash(tokenizer(**other)) != tokenizer_hash(tokenizer())


def test_a_token_that_no_prompt_has_does_not() -> None:
    assert tokenizer_hash(tokenizer(pad_token="<pad>")) == tokenizer_hash(tokenizer())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_type_of_the_weights_does_not_count(tiny: Callable[..., str], family: str) -> None:
    exact, rough = load(tiny(family)), load(tiny(family), dtype=torch.bfloat16)
    assert exact.fingerprint == rough.fingerprint
    assert exact.tokenizer_hash == rough.tokenizer_hash
    others = {load(tiny(other)).fingerprint for other in FAMILIES if other != family}
    assert exact.fingerprint not in others


@pytest.mark.parametrize(
    "name", ["model.norm.weight", "model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight"]
)
def test_other_weights_have_another_fingerprint(
    folder: Path, tiny: Callable[..., str], name: str
) -> None:
    weights = load_file(folder / "model.safetensors")
    weights[name] = weights[name] * 1.1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(folder).fingerprint != load(tiny("llama")).fingerprint


def test_another_tokenizer_has_another_hash(tiny: Callable[..., str], folder: Path) -> None:
    base = load(tiny("llama"))
    assert load(tiny("llama", "spm")).tokenizer_hash != base.tokenizer_hash
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = []  # the same vocabulary, split in another way
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert load(folder).tokenizer_hash != base.tokenizer_hash


def as_transformers_4_writes_it(folder: Path, family: str) -> Path:
    model(folder, family).save_pretrained(folder)
    config(folder, family)
    tokenizer().save_pretrained(folder)
    content = json.loads((folder / "tokenizer_config.json").read_text("utf8"))
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(content), encoding="utf8")
    return folder


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("llama", "8fea8c3d16c2cdf5"),
        ("qwen3", "3d72bf50e615fa18"),
        ("gemma3_text", "79a87d993bf7f456"),
        ("granite", "2a9a7ccdb2cf31ef"),
    ],
)
def test_a_folder_is_identified_alike_by_every_version(
    family: str, expected: str, tmp_path: Path
) -> None:
    base = load(as_transformers_4_writes_it(tmp_path, family))
    assert (base.fingerprint[:16], base.tokenizer_hash[:16]) == (expected, "0ee7d66016e15537")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("t5", "e4d97e0f"), ("flan", "f34e37b8"), ("mt5", "fc6ce60f"), ("umt5", "cab4fc0f")],
)
def test_an_encoder_decoder_model_is_identified_alike_by_every_version(
    kind: str, expected: str, tiny_t5: Callable[..., str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_t5(kind), tmp_path / kind))
    weights = load_file(folder / "model.safetensors")
    ramps = {
        name: (torch.arange(w.numel()) % 13 / 16).view(w.shape) * len(name)
        for name, w in weights.items()
    }
    save_file(ramps, folder / "model.safetensors", metadata={"format": "pt"})
    base = load(folder, encoder_decoder=True)
    assert (base.fingerprint[:8], base.tokenizer_hash[:8]) == (expected, "ccde77c7")


@pytest.mark.parametrize(
    "change",
    [
        {"relative_attention_max_distance": 30},
        {"decoder_start_token_id": 5},
        {"tie_word_embeddings": False},
        {"feed_forward_proj": "silu"},
    ],
)
def test_the_same_t5_with_another_function_is_another_one(change: dict[str, Any]) -> None:
    sizes = {**T5_SIZES, "vocab_size": 50}
    assert settings(AutoConfig.for_model("t5", **sizes)) != settings(
        AutoConfig.for_model("t5", **{**sizes, **change})
    )
