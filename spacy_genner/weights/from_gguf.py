"""Conversion of a SmolLM2 GGUF file to a folder that transformers 4 and 5 load as the same model.

It uses the `gguf` package alone: the GGUF readers of transformers drop the splitting of digits from
the tokenizer and disagree about its end token, and that of version 5 may keep the weights packed.
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
"""The names of tensors in GGUF, and the names of the same modules in transformers."""

_SPECIAL = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
"""The names of special tokens in transformers, and in GGUF."""

_KIND = ("llama", "smollm")
"""The architecture of SmolLM2, and the name of its tokenizer's pre-tokenization."""


def convert_gguf(file: Path, folder: Path) -> None:
    """Convert a GGUF file to bfloat16 safetensors, with configuration and tokenizer.

    Args:
        folder: Where to write the files; the folder must exist.

    Raises:
        ValueError: If the architecture or the tokenizer is not that of SmolLM2, or the file has a
            tensor that SmolLM2 does not have.
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
    """Return the content of config.json for the metadata of a GGUF file."""
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
        # transformers 4 reads the first and ignores the second, transformers 5 vice versa.
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "tie_word_embeddings": True,
        **{
            f"{key}_token_id": meta[f"tokenizer.ggml.{name}_token_id"]
            for key, name in _SPECIAL.items()
        },
    }


def _tensor(tensor: gguf.ReaderTensor, heads: dict[str, int]) -> tuple[str, torch.Tensor]:
    """Return the name of a tensor in transformers, and its values there.

    Args:
        heads: The number of attention heads of each kind of tensor that is stored in another order
            in GGUF.
    """
    *layer, part, suffix = tensor.name.split(".")
    if part not in _TENSORS or suffix != "weight":
        raise ValueError(
            f"the tensor {tensor.name!r} is not part of SmolLM2: the file cannot be converted "
            "without loss"
        )
    weight = gguf.dequantize(tensor.data, tensor.tensor_type)
    if part in heads:
        # Rotary embeddings rotate pairs of numbers of a head. In GGUF the two numbers of a pair are
        # neighbours (0 1 2 3 are the pairs 0 1 and 2 3); in transformers the first numbers of all
        # pairs come before the second ones (0 2 1 3).
        pairs = weight.reshape(heads[part], -1, 2, weight.shape[-1])
        weight = pairs.swapaxes(1, 2).reshape(weight.shape)
    stem = f"model.layers.{layer[1]}." if layer else ""
    return f"{stem}{_TENSORS[part]}.weight", torch.from_numpy(np.array(weight)).bfloat16()


def _tokenizer(meta: dict[str, Any]) -> Tokenizer:
    """Return the tokenizer that the metadata of a GGUF file describes."""
    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    # What llama.cpp calls "smollm": first split off each digit, then split words as GPT-2 does.
    digits = pre_tokenizers.Digits(individual_digits=True)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    tokenizer.decoder = decoders.ByteLevel()
    control = [
        AddedToken(token, normalized=False, special=True)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind == gguf.TokenType.CONTROL
    ]
    tokenizer.add_special_tokens(control)
    return tokenizer


def _tokenizer_config(meta: dict[str, Any]) -> dict[str, Any]:
    """Return the content of tokenizer_config.json for the metadata of a GGUF file."""
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
