"""What the files of base weights may be, and what they may ask for: they come from somewhere
else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.saved import read_object
from .place import Place


def refuse_adapters(place: Place) -> None:
    """wherever that is.

    Raises:
        ValueError: For an adapter: transformers would load the base that it names, from.
    """
    from transformers.utils.peft_utils import find_adapter_config_file

    if find_adapter_config_file(place.name, revision=place.revision):
        raise ValueError(
            "it is an adapter (adapter_config.json): merge it into its base, and give the merged "
            "model"
        )


def refuse_other_files(place: Place) -> None:
    """files beside it: transformers would load it, from wherever it is, also a pickle.

    Raises:
        ValueError: If the index of weights in several files names something else than such.
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
    for file in set(read_object(Path(index)).get("weight_map", {}).values()) if index else ():
        if Path(file).name != file or "\\" in file or not file.endswith(".safetensors"):
            raise ValueError(
                f"{SAFE_WEIGHTS_INDEX_NAME} names {file!r}, which is not a safetensors file "
                "beside it"
            )


def usable(config: Any, encoder_decoder: bool) -> Any:
    """The configuration of a model, without the requests in it that we do not honour.

    Raises:
        ValueError: If the model is of the other kind, cannot be decoded in steps, or keeps its
            weights elsewhere.
    """
    if config.is_encoder_decoder != encoder_decoder:
        kind, loader = (
            ("a causal", "CausalLM") if encoder_decoder else ("an encoder–decoder", "Seq2SeqLM")
        )
        raise ValueError(f"{config.model_type} is {kind} model: take spacy_genner.{loader}.v1")
    if encoder_decoder and not hasattr(config, "relative_attention_num_buckets"):
        raise ValueError(
            f"{config.model_type} counts positions from the start: take a model of the T5 family"
        )
    if file := getattr(
        config, "transformers_weights", None
    ):  # transformers 4 takes any path, and a pickle as well
        raise ValueError(
            f"config.json names {file!r} as the file of weights: call it model.safetensors"
        )
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if part is not None:
            part._attn_implementation = None  # it may name code on the hub
    return config
