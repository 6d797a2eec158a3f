"""LoRA adapters as far as vLLM takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.saved import read_object
from ..weights.adapter_config import CONFIG, check_settings
from ..weights.adapters import WEIGHTS
from ..weights.plugged import adapter_folder
from ..weights.tensors import load_tensors

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The values that vLLM knows of its setting max_lora_rank."""

_TAKEN = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian", "eva", "orthogonal"),
}
"""Settings of PEFT, each with the values with which an adapter is a product of two matrices for
each layer, and nothing else."""
_NOT_TAKEN = ("use_dora", "modules_to_save", "lora_bias", "trainable_token_indices")
"""Those that must not be set."""
_AT_THE_ENDS = ("embed_tokens", "lm_head")
"""Modules in which adapters do not work together with lists of log-probabilities: vLLM applies an
adapter of the output matrix to the places where it writes, and mixes up the rows of others."""


def check_adapter(name: str) -> tuple[str, dict[str, Any]]:
    """Check that vLLM takes an adapter.

    Args:
        name: A folder that PEFT has written, or a name on the hub.

    Returns:
        The folder, and the arguments of `vllm.LLM` that it needs.

    Raises:
        ValueError: If there is no such adapter, its weights cannot be read, or vLLM does not take
            it.
    """
    folder = adapter_folder(name, None)
    saved = read_object(folder / CONFIG)
    check_settings(saved, folder / CONFIG)
    wrong = [key for key, taken in _TAKEN.items() if saved.get(key, taken[0]) not in taken]
    wrong += [key for key in _NOT_TAKEN if saved.get(key)]
    rank = max([saved.get("r", 8), *(saved.get("rank_pattern") or {}).values()])
    if rank > RANKS[-1]:
        wrong.append("r")
    reasons = [f"{key} = {saved[key]!r}" for key in wrong]
    modules = _modules(folder / WEIGHTS) if not wrong else []
    reasons += [f"weights for {module}" for module in modules if module in _AT_THE_ENDS]
    if reasons:
        raise ValueError(
            f"{folder / CONFIG}: vLLM takes no adapter with {', '.join(reasons)}: load it in a "
            "pipeline with spacy_genner.CausalLM.v1, merge that by `spacy genner merge`, and give "
            "the merged folder as `name`, without an adapter"
        )
    largest = next(known for known in RANKS if known >= rank)
    return str(folder), {"max_lora_rank": largest, "lora_target_modules": modules}


def _modules(path: Path) -> list[str]:
    """Return the names of the modules that an adapter has weights for, without those of the modules
    that they are in."""
    names = [key.partition(".lora_")[0] for key in load_tensors(path)]
    return sorted({name.rpartition(".")[2] for name in names})
