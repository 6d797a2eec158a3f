"""What the files of base weights may be, and what they may ask for: they come from somewhere else."""

from __future__ import annotations

from typing import Any

from .place import Place


def refuse_adapters(place: Place) -> None:
    """Raises: ValueError for an adapter: transformers would load the base that it names, from wherever that is."""
    from transformers.utils.peft_utils import find_adapter_config_file

    if find_adapter_config_file(place.name, revision=place.revision):
        raise ValueError("it is an adapter (adapter_config.json): merge it into its base, and give the merged model")


def usable(config: Any, encoder_decoder: bool) -> Any:
    """The configuration of a model, without what it may ask for and we do not give.

    Raises: ValueError if the model is of the other kind, cannot be read on with, or keeps its weights elsewhere.
    """
    if config.is_encoder_decoder != encoder_decoder:
        kind, loader = ("a causal", "CausalLM") if encoder_decoder else ("an encoder–decoder", "Seq2SeqLM")
        raise ValueError(f"{config.model_type} is {kind} model: take spacy_genner.{loader}.v1")
    if encoder_decoder and not hasattr(config, "relative_attention_num_buckets"):
        raise ValueError(f"{config.model_type} counts positions from the start: take a model of the T5 family")
    if file := getattr(config, "transformers_weights", None):  # transformers 4 takes any path, and a pickle as well
        raise ValueError(f"config.json names {file!r} as the file of weights: call it model.safetensors")
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if part is not None:
            part._attn_implementation = None  # it may name code on the hub
    return config
