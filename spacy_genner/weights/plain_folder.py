"""Models in memory as plain Hugging Face folders, which transformers 4 and 5 load as the same
model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..files.saved import read_object
from .adapters import sharing_copy
from .identity import settings, tokenizer_hash
from .tensors import writing

_SHARD = "5GB"
"""The maximum size of a file of weights. By default, it depends on the version of transformers."""
_BESIDE = ("generation_config.json", "*.py", "LICENSE*", "NOTICE*", "USE_POLICY*")
"""Files that merging does not change: those that a model needs, and its terms."""
_LOCAL = ("_name_or_path", "backend", "is_local", "local_files_only")
"""Settings that transformers writes, but which tell only how a model was loaded."""


def save_plain(model: Any, tokenizer: Any, origin: Path, folder: Path) -> None:
    """Write a model and its tokenizer to an empty folder.

    Args:
        model: A language model from transformers.
        origin: The folder or file that its base comes from. A folder has the settings of the model
            in the form that its author chose, for whichever versions of transformers.

    Raises:
        OSError: If the files cannot be written.
        ValueError: If transformers reads other settings or another tokenizer from the folder.
    """
    from transformers import GenerationConfig

    saved = sharing_copy(model)  # saving changes the configuration, which other models may share
    if (origin / "generation_config.json").is_file():
        # It is copied below. Some that transformers reads it refuses to write.
        saved.generation_config = GenerationConfig()
    # When the disk is full, safetensors raises a SafetensorError, but tokenizers a bare Exception.
    with writing(folder, Exception):
        saved.save_pretrained(folder, max_shard_size=_SHARD)
        tokenizer.save_pretrained(folder)
    for pattern in _BESIDE:
        for file in origin.glob(pattern):
            shutil.copy(file, folder)
    config = _config(folder, origin)
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    if "vocab_size" in config:
        config["vocab_size"] = embeddings.num_embeddings  # an adapter may have added rows
    config["tie_word_embeddings"] = output.weight is embeddings.weight
    # transformers 4 reads the first, and transformers 5 the second.
    config["torch_dtype"] = config["dtype"] = str(model.dtype).removeprefix("torch.")
    _write(folder / "config.json", {**config, **_old_rope(config)})
    if tokenizer.is_fast:
        place = folder / "tokenizer_config.json"
        _write(place, _tokenizer_config(read_object(place)))
    for file in folder.glob("*.safetensors"):
        file.chmod((folder / "config.json").stat().st_mode)  # safetensors lets only the owner read
    _check(model, tokenizer, folder)


def _config(folder: Path, origin: Path) -> dict[str, Any]:
    """Return the settings of a model: those of its author, or else those that were just saved."""
    saved, path = read_object(folder / "config.json"), origin / "config.json"
    given = read_object(path) if path.is_file() else {}
    return given if given.get("model_type") == saved["model_type"] else saved


def _old_rope(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of rotary embeddings as transformers 4 reads them, if they are there only
    as transformers 5 writes them."""
    ropes = config.get("rope_parameters")
    if not ropes or "rope_theta" in config:
        return {}
    rope = dict(ropes.get("full_attention", ropes))
    old = {"rope_theta": rope.pop("rope_theta")}
    if "partial_rotary_factor" in rope:
        old["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
    if "sliding_attention" in ropes:
        old["rope_local_base_freq"] = ropes["sliding_attention"]["rope_theta"]
    if rope["rope_type"] != "default":
        old["rope_scaling"] = rope
    return old


def _tokenizer_config(saved: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a tokenizer so that tokenizer.json alone decides how it splits text.

    The class that transformers 5 writes is unknown to transformers 4. Other classes, such as
    `LlamaTokenizer`, change in version 4 what they read from tokenizer.json.
    """
    config = {name: value for name, value in saved.items() if name not in _LOCAL}
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    config["model_input_names"] = ["input_ids", "attention_mask"]  # of this class there are more
    if isinstance(config.get("extra_special_tokens"), list):  # transformers 4 expects an object
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    return config


def _check(model: Any, tokenizer: Any, folder: Path) -> None:
    from transformers import AutoConfig, AutoTokenizer

    trust = {"trust_remote_code": bool(getattr(model.config, "auto_map", None))}
    read = AutoConfig.from_pretrained(folder, **trust)
    if settings(read) != settings(model.config):
        raise ValueError(
            f"{folder}: transformers reads other settings than those of the model, "
            f"{settings(read)} and not {settings(model.config)}: please report this"
        )
    if tokenizer_hash(AutoTokenizer.from_pretrained(folder, **trust)) != tokenizer_hash(tokenizer):
        raise ValueError(
            f"{folder}: transformers reads another tokenizer than that of the model: please report "
            "this"
        )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
