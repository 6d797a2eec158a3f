"""What identifies base weights and a tokenizer: the same for a folder on every supported version of
transformers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..files.saved import read_object, reading

_PROBE = "Zoë's 3 naïve\tfoxes, in 東京 and القاهرة 👍🏽, paid $1,234.50 [sic] to http://a.b\n"
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
"""What a configuration may say of the function of a model and the shapes of its weights do not.
Rotary embeddings and
kinds of layers come on top: the versions of transformers have other names for them."""


HASHES = ("fingerprint", "tokenizer_hash")
"""What a saved pipeline remembers of its base weights."""


def fingerprint(model: Any) -> str:
    """A hash of the settings, and of names, shapes, and some values of each weight, in the coarsest
    of the types that a model is loaded in."""
    digest = hashlib.sha256(json.dumps(settings(model.config), sort_keys=True).encode())
    for name, weight in sorted(model.named_parameters()):
        flat = weight.detach().flatten()
        sample = flat[:: max(1, flat.numel() // 64)].to(torch.bfloat16).cpu().view(torch.int16)
        digest.update(f"{name} {tuple(weight.shape)} ".encode() + sample.numpy().tobytes())
    return digest.hexdigest()


def tokenizer_hash(tokenizer: Any) -> str:
    """A hash of the vocabulary, of how a probe is split, and of what stands at a text's start and
    end."""
    vocabulary = sorted(tokenizer.get_vocab().items())
    probe = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    edges = [tokenizer("a")["input_ids"], tokenizer.eos_token_id]
    return hashlib.sha256(json.dumps([vocabulary, probe, edges]).encode()).hexdigest()


def scales_hidden(config: Any) -> bool:
    """Whether the output matrix gets hidden states divided by the root of their width: in T5, if it
    is tied."""
    tied = config.model_type in ("t5", "umt5") and config.tie_word_embeddings
    return bool(
        getattr(config, "scale_decoder_outputs", tied)
    )  # transformers 5 calls every T5 tied


def read_identity(path: Path) -> dict[str, Any]:
    """What a saved pipeline remembers of its base weights.

    Raises:
        ValueError: If the file is missing or corrupt.
    """
    saved = read_object(path)
    with reading(path):
        if not all(isinstance(saved.get(key), str) for key in HASHES):
            raise ValueError(f"expected {' and '.join(HASHES)}")
    return saved


def settings(config: Any) -> dict[str, Any]:
    """What a configuration says of the function of a model, under the names that transformers 5
    gives it.

    Numbers are texts of six digits, the same whether a file has 1 or 1.0, and 0.00001 or the
    float32 next to it.
    """
    config = config.get_text_config()  # of a model that sees pictures as well
    found = {name: getattr(config, name, None) for name in _SETTINGS}
    found["scales_hidden"] = scales_hidden(config) or None
    kinds = getattr(config, "layer_types", None) or []
    found["layer_types"] = (
        list(kinds) if set(kinds) - {"full_attention"} else None
    )  # some versions leave these out
    found["rope_parameters"] = {
        kind: _rope(config, values) for kind, values in _ropes(config).items()
    }
    said = {name: value for name, value in found.items() if value is not None}
    plain: dict[str, Any] = json.loads(json.dumps(said), parse_float=_rounded, parse_int=_rounded)
    return plain


def _rounded(number: str) -> str:
    return f"{float(number):.6g}"


def _ropes(config: Any) -> Mapping[str, Mapping[str, Any]]:
    """The settings of the rotary embeddings of each kind of layer."""
    if hasattr(config, "rope_theta"):  # transformers 4, which passes over rope_parameters
        scaling = getattr(config, "rope_scaling", None) or {}
        ropes = {"full_attention": {**scaling, "rope_theta": config.rope_theta}}
        if hasattr(config, "rope_local_base_freq"):
            ropes["sliding_attention"] = {"rope_theta": config.rope_local_base_freq}
        return ropes
    found: Mapping[str, Any] = getattr(config, "rope_parameters", None) or {}
    return {"full_attention": found} if "rope_theta" in found else found


def _rope(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of rotary embeddings, with those that are not there where transformers 4 leaves
    them out."""
    rope = {"partial_rotary_factor": getattr(config, "partial_rotary_factor", 1.0), **values}
    rope.setdefault("rope_type", rope.get("type", "default"))
    rope.pop("type", None)
    if rope["rope_type"] != "default":
        length = (
            getattr(config, "original_max_position_embeddings", None)
            or config.max_position_embeddings
        )
        rope.setdefault("original_max_position_embeddings", length)
    return rope
