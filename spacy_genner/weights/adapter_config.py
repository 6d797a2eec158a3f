"""The settings of PEFT adapters, which are honoured or refused by name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from ..files.saved import read_object

CONFIG = "adapter_config.json"

METHODS = (
    *("LORA", "ADALORA", "BOFT", "C3A", "DELORA", "FOURIERFT", "GLORA", "GRALORA", "HRA", "IA3"),
    *("LN_TUNING", "LOHA", "LOKR", "MISS", "OFT", "PSOFT", "PVERA", "RANDLORA", "ROAD", "SHIRA"),
    *("TINYLORA", "TRAINABLE_TOKENS", "VBLORA", "VERA", "WAVEFT"),
)
"""The methods of PEFT whose adapters can be used: those that can be merged into the base."""

REFUSED = {
    "alora_invocation_tokens": "the adapter is active in a part of the text only",
    "arrow_config": "the adapter chooses among others",
    "kasa_config": "it changes the weights of the base",
    "layer_replication": "it repeats layers of the base",
    "megatron_config": "it is for Megatron",
    "monteclora_config": "the adapter is random",
    "use_bdlora": "it is for several GPUs",
    "use_qalora": "it is for bases quantised by GPTQ",
    "velora_config": "it approximates gradients",
}
"""The settings of LoRA that cannot be honoured, with the reason."""

_STARTS = (True, False, "eva", "gaussian", "orthogonal")
"""The values of `init_lora_weights` that leave the base alone."""
_CHANGING_STARTS = ("olora", "pissa")
"""Those that subtract the initial adapter from the weights of the base, always in the same way."""

_TASKS = (None, "CAUSAL_LM", "SEQ_2_SEQ_LM")


def read_config(folder: Path) -> Any:
    """Read the settings of an adapter.

    Returns:
        A `PeftConfig` for training.

    Raises:
        ValueError: If the file is missing or corrupt, or has a setting that cannot be honoured.
    """
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    path = folder / CONFIG
    saved = read_object(path)
    method = saved.get("peft_type")
    if method not in METHODS or method not in PEFT_TYPE_TO_CONFIG_MAPPING:
        raise ValueError(
            f"{path}: an adapter of the type {method!r} cannot be used, as it cannot be merged "
            f"into its base or is unknown to the installed PEFT: give one of {', '.join(METHODS)}"
        )
    if saved.get("task_type") not in _TASKS:
        raise ValueError(
            f"{path}: the adapter was trained for {saved['task_type']}, and not to write text"
        )
    kind: Any = PEFT_TYPE_TO_CONFIG_MAPPING[method]
    known = {field.name for field in fields(kind)}
    check_settings(saved, path)
    if unknown := [name for name, value in saved.items() if value and name not in known]:
        raise ValueError(
            f"{path}: the installed PEFT does not know {', '.join(unknown)}: install the version "
            f"that the adapter was trained with"
        )
    config = kind(**{name: value for name, value in saved.items() if name in known})
    config.inference_mode = False
    config.base_model_name_or_path = None  # PEFT would warn if the base has moved.
    if not changes_base(config) and hasattr(config, "init_lora_weights"):
        config.init_lora_weights = True  # Others take longer, and the weights are replaced anyway.
    return config


def check_settings(settings: dict[str, Any], place: object) -> None:
    """Check that the settings of an adapter can be honoured.

    Args:
        place: Where they are from, for the error message.

    Raises:
        ValueError: If one of them cannot.
    """
    for name, reason in REFUSED.items():
        if settings.get(name):
            raise ValueError(f"{place}: {name} cannot be honoured, as {reason}")
    start = settings.get("init_lora_weights", True)
    if start not in (*_STARTS, *_CHANGING_STARTS):
        raise ValueError(
            f"{place}: init_lora_weights = {start!r} has changed the weights of the base in a way "
            "that cannot be repeated: let PEFT convert the adapter, by `save_pretrained` with "
            "path_initial_model_for_weight_conversion"
        )


def changes_base(config: Any) -> bool:
    """Return whether attaching an adapter changes the weights of the base (PiSSA, OLoRA)."""
    return getattr(config, "init_lora_weights", True) in _CHANGING_STARTS
