"""Hashes that identify base weights and a tokenizer. The same files have the same hashes with every
supported version of transformers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..files.saved import read_object, reading

_PROBE = "Zoë's 3 naïve\tfoxes, in 東京 and القاهرة 👍🏽, paid $1,234.50 [sic] to http://a.b\n"
"""A text on which tokenizers differ."""

_SETTINGS = (
    "model_type",
    "num_attention_heads",
    "no_rope_layers",
    "sliding_window",
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "rms_norm_eps",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "norm_epsilon",
    "norm_eps",
    "clip_qkv",
    "attention_multiplier",
    "embedding_multiplier",
    "residual_multiplier",
    "query_pre_attn_scalar",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "feed_forward_proj",
    "relative_attention_max_distance",
    "decoder_start_token_id",
    "scale_embedding",
)
"""The settings of a configuration that change what a model computes, and that the shapes of its
weights do not show. `settings` adds those of rotary embeddings and kinds of layers, which the
versions of transformers name differently."""

HASHES = ("fingerprint", "tokenizer_hash")
"""The hashes by which a saved pipeline recognises its base weights."""


def fingerprint(model: Any) -> str:
    """Return a hash of a model: of its settings, and of the name, the shape and about 64 values of
    each weight.

    The values are rounded to bfloat16, the coarsest type that models are loaded in, so that the
    hash does not depend on that type.
    """
    digest = hashlib.sha256(json.dumps(settings(model.config), sort_keys=True).encode())
    for name, weight in sorted(model.named_parameters()):
        flat = weight.detach().flatten()
        sample = flat[:: max(1, flat.numel() // 64)].to(torch.bfloat16).cpu().view(torch.int16)
        digest.update(f"{name} {tuple(weight.shape)} ".encode() + sample.numpy().tobytes())
    return digest.hexdigest()


def tokenizer_hash(tokenizer: Any) -> str:
    """Return a hash of a tokenizer: of its vocabulary, of how it splits a probe, and of the tokens
    that it adds at the start and the end of a text."""
    vocabulary = sorted(tokenizer.get_vocab().items())
    probe = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    edges = [tokenizer("a")["input_ids"], tokenizer.eos_token_id]
    return hashlib.sha256(json.dumps([vocabulary, probe, edges]).encode()).hexdigest()


def scales_hidden(config: Any) -> bool:
    """Return whether hidden states are divided by the square root of their width before they are
    multiplied by the output matrix. T5 does so if that matrix is tied to the input embeddings."""
    tied = config.model_type in ("t5", "umt5") and config.tie_word_embeddings
    # In transformers 5, `tie_word_embeddings` is true for every T5, and this setting decides.
    return bool(getattr(config, "scale_decoder_outputs", tied))


def read_identity(path: Path) -> dict[str, Any]:
    """Read what a saved pipeline has stored about its base weights.

    Returns:
        The values of `HASHES`, and the name and the revision of the weights.

    Raises:
        ValueError: If the file is missing or corrupt.
    """
    saved = read_object(path)
    with reading(path):
        if not all(isinstance(saved.get(key), str) for key in HASHES):
            raise ValueError(f"expected the texts {' and '.join(HASHES)}")
    return saved


def settings(config: Any) -> dict[str, Any]:
    """Return the settings that change what a model computes, under the names that transformers 5
    gives them.

    Numbers are texts of six digits, so that it does not matter whether a file has 1 or 1.0, and
    0.00001 or the nearest float32.
    """
    # A model that reads images as well has several configurations.
    config = config.get_text_config()
    found = {name: getattr(config, name, None) for name in _SETTINGS}
    found["scales_hidden"] = scales_hidden(config) or None
    kinds = list(getattr(config, "layer_types", None) or [])
    # Some versions of transformers leave the kinds out if all layers have full attention.
    found["layer_types"] = kinds if set(kinds) - {"full_attention"} else None
    found["rope_parameters"] = {
        kind: _rope(config, values) for kind, values in _ropes(config).items()
    }
    known = {name: value for name, value in found.items() if value is not None}
    plain: dict[str, Any] = json.loads(json.dumps(known), parse_float=_rounded, parse_int=_rounded)
    return plain


def _rounded(number: str) -> str:
    return f"{float(number):.6g}"


def _ropes(config: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of the rotary embeddings of each kind of layer."""
    if hasattr(config, "rope_theta"):  # transformers 4, which ignores rope_parameters
        scaling = getattr(config, "rope_scaling", None) or {}
        ropes = {"full_attention": {**scaling, "rope_theta": config.rope_theta}}
        if hasattr(config, "rope_local_base_freq"):
            ropes["sliding_attention"] = {"rope_theta": config.rope_local_base_freq}
        return ropes
    found: Mapping[str, Any] = getattr(config, "rope_parameters", None) or {}
    return {"full_attention": found} if "rope_theta" in found else found


def _rope(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the settings of rotary embeddings with the defaults that transformers 4 leaves
    out."""
    rope = {"partial_rotary_factor": getattr(config, "partial_rotary_factor", 1.0), **values}
    rope.setdefault("rope_type", rope.get("type", "default"))
    rope.pop("type", None)
    if rope["rope_type"] != "default":
        length = getattr(config, "original_max_position_embeddings", None)
        length = length or config.max_position_embeddings
        rope.setdefault("original_max_position_embeddings", length)
    return rope
