"""Checks on the files of base weights, which are not trusted: what they may contain, and which
other files or code they may request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.saved import read_object
from .place import Place


def refuse_adapters(place: Place) -> None:
    """Refuse an adapter: transformers would load the base that it names, wherever that is.

    Raises:
        ValueError: If the files are those of an adapter.
    """
    from transformers.utils.peft_utils import find_adapter_config_file

    if find_adapter_config_file(place.name, revision=place.revision):
        raise ValueError(
            "it is an adapter (adapter_config.json), and not a base: give it as `adapter`, and its "
            "base as `name`."
        )


def refuse_other_files(place: Place) -> None:
    """Refuse an index of sharded weights that names anything but safetensors files beside it.

    transformers would load whatever the index names, from wherever it is, even a pickle.

    Raises:
        ValueError: If the index names such a file.
    """
    from transformers.utils import SAFE_WEIGHTS_INDEX_NAME
    from transformers.utils.hub import cached_file

    index = cached_file(
        place.name,
        SAFE_WEIGHTS_INDEX_NAME,
        revision=place.revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if not index:
        return
    for file in set(read_object(Path(index)).get("weight_map", {}).values()):
        if Path(file).name != file or "\\" in file or not file.endswith(".safetensors"):
            raise ValueError(
                f"{SAFE_WEIGHTS_INDEX_NAME} names {file!r}, which is not a safetensors file "
                "beside it"
            )


def usable(config: Any, encoder_decoder: bool) -> Any:
    """Check the configuration of a model, and remove requests from it that must not be honoured.

    Args:
        config: A configuration from transformers; it is changed in place.
        encoder_decoder: Whether an encoder–decoder model is expected; otherwise a causal one.

    Returns:
        The same configuration.

    Raises:
        ValueError: If the model is of the other kind, cannot be decoded step by step, or names a
            file of weights.
    """
    if config.is_encoder_decoder and not encoder_decoder:
        raise ValueError(
            f"{config.model_type} is an encoder–decoder model: use spacy_genner.Seq2SeqLM.v1"
        )
    if encoder_decoder and not config.is_encoder_decoder:
        raise ValueError(f"{config.model_type} is a causal model: use spacy_genner.CausalLM.v1")
    if encoder_decoder and not hasattr(config, "relative_attention_num_buckets"):
        raise ValueError(
            f"{config.model_type} counts positions from the start: use a model of the T5 family"
        )
    # transformers 4 accepts any path here, even that of a pickle.
    if file := getattr(config, "transformers_weights", None):
        raise ValueError(
            f"config.json names {file!r} as the file of weights: call it model.safetensors"
        )
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if part is not None:
            part._attn_implementation = None  # It may name code on the hub
    return config
