"""What training changes: an adapter, all weights of the model, or nothing."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from . import adapters
from .adapter_config import CONFIG, changes_base, check_settings, read_config
from .tensors import load_tensors

FULL = "model.safetensors"


@runtime_checkable
class Tuning(Protocol):
    """A way to train a model.

    `attach` and `load` make a model that can be trained; the other methods take that model.
    """

    def attach(self, base: Any) -> Any:
        """Return a model for training that computes the same as a base. The weights of the base
        itself never change."""

    def load(self, base: Any, folder: Path) -> Any:
        """Return a model for training with the trained weights of a folder, which `save` or another
        program has written.

        Raises:
            ValueError: If the files are missing or corrupt, or belong to another base or to another
                way of training.
        """

    def save(self, model: Any, folder: Path) -> None:
        """Write the trained weights of a model to a folder.

        Raises:
            ValueError: If the weights hold NaN or infinity.
            OSError: If the files cannot be written.
        """

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a plain, frozen model for decoding, with the present weights of a model for
        training.

        Args:
            dtype: The type that decoding computes in.
        """


class AdapterTuning:
    """Training of an adapter, whatever its settings are: those that it was stored with, or else
    those of `LoRA`. This is the tuning of a model whose config has none."""

    def attach(self, base: Any) -> Any:
        """Return a copy of a base's modules with a new LoRA adapter inside."""
        return LoRA().attach(base)

    def load(self, base: Any, folder: Path) -> Any:
        """Return a copy of a base's modules with the adapter of a folder inside.

        Raises:
            ValueError: If the files are missing or corrupt, belong to another base, or have a
                setting that cannot be honoured.
        """
        return adapters.load(base, folder, read_config(folder))

    def save(self, model: Any, folder: Path) -> None:
        """Write the adapter in the form that PEFT reads; see `adapters.save`."""
        adapters.save(model, folder)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a copy of the base with the adapter merged into it; see `adapters.merged`."""
        return adapters.merged(model, dtype)


@dataclass(frozen=True)
class LoRA(AdapterTuning):
    """Training of low-rank adapters (arXiv 2106.09685). The settings are those of PEFT's
    `LoraConfig`, and mean what they mean there."""

    r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    target_modules: str | Sequence[str] | None = "all-linear"
    exclude_modules: str | Sequence[str] | None = None
    layers_to_transform: int | Sequence[int] | None = None
    layers_pattern: str | Sequence[str] | None = None
    target_parameters: Sequence[str] | None = None
    rank_pattern: Mapping[str, int] | None = None
    alpha_pattern: Mapping[str, int] | None = None
    use_rslora: bool = False
    use_dora: bool = False
    bias: str = "none"
    lora_bias: bool = False
    init_lora_weights: bool | str = True
    fan_in_fan_out: bool = False
    modules_to_save: Sequence[str] | None = None
    trainable_token_indices: Mapping[str, Sequence[int]] | Sequence[int] | None = None
    ensure_weight_tying: bool = False

    def attach(self, base: Any) -> Any:
        """Return a copy of a base's modules with a new adapter inside.

        Raises:
            ValueError: If PEFT refuses a setting, or it cannot be honoured.
        """
        return adapters.attach(base, self._config(base))

    def load(self, base: Any, folder: Path) -> Any:
        """Return a copy of a base's modules with the adapter of a folder inside.

        Raises:
            ValueError: If the adapter has other settings than these. Only the dropout, which
                training alone depends on, may differ; it is the one given here.
            ValueError: If the files are missing or corrupt, belong to another base, or have a
                setting that cannot be honoured.
        """
        config, own = read_config(folder), self._config(base)
        stored = _effects(config, base)
        if differing := [
            name for name, value in _effects(own, base).items() if value != stored[name]
        ]:
            raise ValueError(
                f"{folder / CONFIG} has {_shown(config, differing)}, but [tuning] has "
                f"{_shown(own, differing)}: give the settings that the adapter was trained with, "
                "or set tuning = null to use the stored ones"
            )
        config.lora_dropout = self.lora_dropout
        return adapters.load(base, folder, config)

    def _config(self, base: Any) -> Any:
        """Return the settings as PEFT's own, for a base.

        Raises:
            ValueError: If PEFT refuses a setting, or it cannot be honoured.
        """
        from peft import LoraConfig, __version__

        given = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        known = {field.name for field in fields(LoraConfig)}
        if unknown := [name for name, value in given.items() if value and name not in known]:
            raise ValueError(f"[tuning]: PEFT {__version__} does not know {', '.join(unknown)}")
        check_settings(given, "[tuning]")
        return LoraConfig(
            task_type="SEQ_2_SEQ_LM" if base.config.is_encoder_decoder else "CAUSAL_LM",
            **{name: value for name, value in given.items() if name in known and value is not None},
        )


@dataclass(frozen=True)
class FullTuning:
    """Training of every weight of the model, for small or randomly initialised models."""

    def attach(self, base: Any) -> Any:
        """Return a float32 copy of a base."""
        return copy.deepcopy(base).float().requires_grad_(True)

    def load(self, base: Any, folder: Path) -> Any:
        """Return a float32 copy of a base with the weights of `model.safetensors`.

        Raises:
            ValueError: If the file is missing or corrupt, or belongs to another model.
        """
        path = folder / FULL
        saved = load_tensors(path)
        model = self.attach(base)
        weights = dict(model.named_parameters())
        adapters.check_weights(saved, weights, path)
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(saved[name])
        return model

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.safetensors`.

        Raises:
            ValueError: If the weights hold NaN or infinity.
            OSError: If the file cannot be written.
        """
        adapters.write(dict(model.named_parameters()), folder / FULL, adapters.SAVED)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a copy of a trainable model.

        Args:
            dtype: The type of the weights of the copy.
        """
        merged = copy.deepcopy(model).requires_grad_(False)
        adapters.round_to(list(merged.parameters()), adapters.SAVED)
        # Buffers keep their type, because rotary frequencies must stay exact.
        for weight in merged.parameters():
            weight.data = weight.data.to(dtype)
        return merged.eval()


@dataclass(frozen=True)
class NoTuning(AdapterTuning):
    """No training: the model only decodes. Nothing is added to the base, and nothing is copied. If
    there is an adapter, it stays as it is."""

    def attach(self, base: Any) -> Any:
        """Return the base."""
        return base

    def load(self, base: Any, folder: Path) -> Any:
        """Return the base, or a copy of its modules with the adapter of a folder, frozen.

        Raises:
            ValueError: If the folder has weights of another way of training, or an adapter that
                cannot be used.
        """
        if (folder / FULL).exists():
            raise ValueError(
                f"{folder / FULL} holds all weights of a model: use spacy_genner.FullTuning.v1, or "
                "`python -m spacy genner merge` to make a base of them"
            )
        if not (folder / CONFIG).exists():
            return base
        return super().load(base, folder).requires_grad_(False)

    def save(self, model: Any, folder: Path) -> None:
        """Write the adapter, if there is one."""
        if _has_adapter(model):
            super().save(model, folder)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return the base, or a copy of it with the adapter merged into it."""
        return super().merged(model, dtype) if _has_adapter(model) else model


def _has_adapter(model: Any) -> bool:
    from peft import PeftModel

    return isinstance(model, PeftModel)


_NO_EFFECT = (
    *("lora_dropout", "fan_in_fan_out"),  # the second follows from the layers
    *("exclude_modules", "layers_to_transform", "layers_pattern"),  # see "target_modules"
)
"""The settings of LoRA that change nothing, or that another one stands for."""


def _effects(config: Any, base: Any) -> dict[str, Any]:
    """Return the settings on which depends what a model with an adapter computes. Those that mean
    the same for a base are equal."""
    from peft.tuners.tuners_utils import (
        _maybe_include_all_linear_layers,
        check_target_module_exists,
    )

    config = _maybe_include_all_linear_layers(copy.copy(config), base)
    names = [name for name, _ in base.named_modules()]
    settings = [field.name for field in fields(LoRA) if field.name not in _NO_EFFECT]
    return {
        "peft_type": _plain(config.peft_type),
        **{name: _plain(getattr(config, name, None)) for name in settings},
        "init_lora_weights": changes_base(config) and config.init_lora_weights,
        "target_modules": [name for name in names if check_target_module_exists(config, name)],
    }


def _shown(config: Any, names: Sequence[str]) -> str:
    """Return settings as an error shows them."""
    return ", ".join(f"{name} = {_plain(getattr(config, name, None))!r}" for name in names)


def _plain(value: Any) -> Any:
    """Return a setting in the form that it has in JSON; None if it is empty."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()} or None
    if isinstance(value, set | list | tuple):
        return sorted(value) or None
    return getattr(value, "value", value)  # of an enumeration
