"""A SmolLM2 GGUF file as a folder that transformers 4 and 5 both read to the same model.

Done with the `gguf` package alone: the readers of transformers drop the splitting of digits from
the tokenizer, disagree about its end token, and version 5 may keep the weights packed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from .tensors import save_tensors

_TENSORS = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_SPECIAL = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
_KIND = ("llama", "smollm")


def convert_gguf(file: Path, folder: Path) -> None:
    """Write a GGUF file as bfloat16 safetensors with configuration and tokenizer. The folder must
    exist.

    Raises:
        ValueError: For an architecture or tokenizer other than SmolLM2's, or a tensor it does not
            have.
    """
    reader = gguf.GGUFReader(file)
    meta = {key: field.contents() for key, field in reader.fields.items()}
    kind = (meta["general.architecture"], meta.get("tokenizer.ggml.pre"))
    if kind != _KIND:
        raise ValueError(
            f"{file.name} has architecture and tokenizer {kind}: only {_KIND} can be converted"
        )
    config = _config(meta)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    tensors = dict(_tensor(tensor, heads) for tensor in reader.tensors)
    save_tensors(tensors, folder / "model.safetensors", format="pt")
    _write(folder / "config.json", config)
    generation = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write(folder / "generation_config.json", generation)
    (folder / "tokenizer.json").write_text(_tokenizer(meta).to_str(pretty=True), encoding="utf8")
    _write(folder / "tokenizer_config.json", _tokenizer_config(meta))


def _config(meta: dict[str, Any]) -> dict[str, Any]:
    hidden, heads = meta["llama.embedding_length"], meta["llama.attention.head_count"]
    theta = meta["llama.rope.freq_base"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "bfloat16",
        "vocab_size": meta["llama.vocab_size"],
        "hidden_size": hidden,
        "intermediate_size": meta["llama.feed_forward_length"],
        "num_hidden_layers": meta["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": meta["llama.attention.head_count_kv"],
        "head_dim": hidden // heads,
        "max_position_embeddings": meta["llama.context_length"],
        "rms_norm_eps": meta["llama.attention.layer_norm_rms_epsilon"],
        # transformers 4 reads the first and ignores the second, 5 the other way round
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "tie_word_embeddings": True,
        **{
            f"{key}_token_id": meta[f"tokenizer.ggml.{name}_token_id"]
            for key, name in _SPECIAL.items()
        },
    }


def _tensor(tensor: gguf.ReaderTensor, heads: dict[str, int]) -> tuple[str, torch.Tensor]:
    *layer, part, suffix = tensor.name.split(".")
    if part not in _TENSORS or suffix != "weight":
        raise ValueError(
            f"tensor {tensor.name!r} is no part of SmolLM2: the file cannot be converted without "
            "loss"
        )
    weight = gguf.dequantize(tensor.data, tensor.tensor_type)
    if part in heads:
        # GGUF interleaves the two halves that the rotation pairs; Hugging Face keeps them one after
        # the other
        weight = (
            weight.reshape(heads[part], -1, 2, weight.shape[-1])
            .swapaxes(1, 2)
            .reshape(weight.shape)
        )
    stem = f"model.layers.{layer[1]}." if layer else ""
    return f"{stem}{_TENSORS[part]}.weight", torch.from_numpy(np.array(weight)).bfloat16()


def _tokenizer(meta: dict[str, Any]) -> Tokenizer:
    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    # "smollm" in llama.cpp: every digit alone, then the splitting of GPT-2
    digits, words = (
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    tokenizer.decoder = decoders.ByteLevel()
    control = [
        token for token, kind in zip(tokens, kinds, strict=True) if kind == gguf.TokenType.CONTROL
    ]
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in control]
    )
    return tokenizer


def _tokenizer_config(meta: dict[str, Any]) -> dict[str, Any]:
    tokens = meta["tokenizer.ggml.tokens"]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": meta["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "chat_template": meta["tokenizer.chat_template"],
        **{
            f"{key}_token": tokens[meta[f"tokenizer.ggml.{name}_token_id"]]
            for key, name in _SPECIAL.items()
        },
    }


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2), encoding="utf8")
