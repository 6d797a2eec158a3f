"""Weights of the Llama family as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import torch


def write_gguf(model: Any, tokenizer: Any, path: Path) -> None:
    """Write a model, in float32, with a byte-level BPE tokenizer. llama.cpp quantises it.

    Raises:
        ValueError: For another family: its converter has a case for each.
    """
    config = model.config
    if config.model_type != "llama":
        raise ValueError(
            f"{config.model_type} cannot be written as GGUF here, only llama: leave llama.cpp out"
        )
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(_rope_base(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer, tokenizer, config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    tied = config.tie_word_embeddings
    for name, weight in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue
        projection = name.split(".")[-2]
        if projection in heads:
            weight = _interleaved(weight, heads[projection])
        writer.add_tensor(
            names.get_name(name, try_suffixes=(".weight",)), weight.float().cpu().numpy()
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _rope_base(config: Any) -> float:
    """Transformers 5 has moved it."""
    settings = getattr(config, "rope_parameters", None) or {"rope_theta": config.rope_theta}
    return float(settings["rope_theta"])


def _interleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """llama.cpp rotates pairs of neighbours, Hugging Face the two halves of a head."""
    rows, width = weight.shape
    return weight.view(heads, 2, rows // heads // 2, width).transpose(1, 2).reshape(rows, width)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Any, size: int) -> None:
    """What a grammar needs to know: the text of each id. Prompts are given as ids."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    special = {token["id"] for token in backend["added_tokens"]}
    by_id = {id: token for token, id in tokenizer.get_vocab().items()}
    kinds = [
        gguf.TokenType.CONTROL if id in special else gguf.TokenType.NORMAL for id in range(size)
    ]
    merges = [
        merge if isinstance(merge, str) else " ".join(merge) for merge in backend["model"]["merges"]
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([by_id.get(id, f"[unused{id}]") for id in range(size)])
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(
        tokenizer.bos_token_id or tokenizer.eos_token_id
    )  # readers insist on one
    writer.add_eos_token_id(tokenizer.eos_token_id)
