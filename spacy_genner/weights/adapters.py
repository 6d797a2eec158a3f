"""Which weights training changes: a LoRA adapter through PEFT, or all of them."""

import copy
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from ..files.saved import read_object
from .tensors import check_numbers, load_tensors, save_tensors

SAVED = torch.bfloat16
"""The type of trained weights on disk. Decoding rounds to it as well, so that a loaded model equals
the saved one."""

_SCALING = ("lora_alpha", "use_rslora")
"""The settings of an adapter that its weights do not show."""


@runtime_checkable
class Tuning(Protocol):
    """A way to train a model."""

    def attach(self, base: Any) -> Any:
        """A trainable module on a base whose weights it leaves alone."""

    def save(self, model: Any, folder: Path) -> None:
        """Write what training changed."""

    def restore(self, model: Any, folder: Path) -> None:
        """Read it back.

        Raises:
            ValueError: If the files are missing, corrupt, or fit another model.
        """

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """A plain model of the present weights for decoding, apart from the trainable one."""


@dataclass(frozen=True, slots=True)
class LoRA:
    """Low-rank adapters (arXiv 2106.09685). The settings are PEFT's own, under its names."""

    r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    target_modules: str | Sequence[str] = "all-linear"
    use_rslora: bool = False
    use_dora: bool = False

    def attach(self, base: Any) -> Any:
        """The base's modules with adapters inside; the base's weights are shared, not copied.

        Raises:
            ValueError: If the adapter would change the output matrix, whose rows are read one by
                one.
        """
        from peft import LoraConfig, get_peft_model

        settings = {
            "task_type": "SEQ_2_SEQ_LM" if base.config.is_encoder_decoder else "CAUSAL_LM",
            **asdict(self),
        }
        if not isinstance(self.target_modules, str):
            settings["target_modules"] = list(self.target_modules)
        with (
            warnings.catch_warnings()
        ):  # peft asks transformers 5 for a property under its old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            model: Any = get_peft_model(sharing_copy(base), LoraConfig(**settings))
        if id(base.get_output_embeddings().weight) in _adapted(model):
            raise ValueError(
                f"target_modules = {self.target_modules!r} adapts the output matrix: leave it out"
            )
        return model

    def save(self, model: Any, folder: Path) -> None:
        """Write a PEFT folder: `adapter_config.json`, `adapter_model.safetensors`."""
        model.peft_config["default"].save_pretrained(str(folder))
        _write(_adapter(model), folder / "adapter_model.safetensors")

    def restore(self, model: Any, folder: Path) -> None:
        """Read a PEFT folder.

        Raises:
            ValueError: If it is missing, corrupt, or fits another model or other settings.
        """
        from peft import set_peft_model_state_dict

        weights = _read(folder / "adapter_model.safetensors", _adapter(model))
        saved = read_object(path := folder / "adapter_config.json")
        for name in _SCALING:
            if saved.get(name) != (own := getattr(self, name)):
                raise ValueError(
                    f"{path} says {name} = {saved.get(name)!r}, [tuning] says {own!r}: give the "
                    "settings that the "
                    "adapter was trained with"
                )
        set_peft_model_state_dict(model, weights)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """The base with the adapter added to a copy of the adapted matrices; all others are shared
        with the base."""
        merged = sharing_copy(model, without=_adapted(model))
        _round(weight for weight in merged.parameters() if weight.requires_grad)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Input and output embeddings are no longer tied", UserWarning
            )
            result = merged.merge_and_unload()
        # where transformers 5 calls a T5 tied that is not, peft thinks that merging did it, and
        # changes what says how the output is scaled
        result.config = model.get_base_model().config
        return result.requires_grad_(False).eval()


@dataclass(frozen=True, slots=True)
class FullTuning:
    """Every weight of the model: for small or random models."""

    def attach(self, base: Any) -> Any:
        """A float32 copy of the base."""
        return copy.deepcopy(base).float().requires_grad_(True)

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.safetensors`."""
        _write(dict(model.named_parameters()), folder / "model.safetensors")

    def restore(self, model: Any, folder: Path) -> None:
        """Read `model.safetensors`.

        Raises:
            ValueError: If it is missing, corrupt, or fits another model.
        """
        weights = dict(model.named_parameters())
        with torch.no_grad():
            for name, saved in _read(folder / "model.safetensors", weights).items():
                weights[name].copy_(saved)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """A copy."""
        merged = copy.deepcopy(model).requires_grad_(False)
        _round(merged.parameters())
        for weight in merged.parameters():  # not buffers: rotary frequencies must stay exact
            weight.data = weight.data.to(dtype)
        return merged.eval()


def sharing_copy(model: Any, without: Collection[int] = ()) -> Any:
    """A copy of the modules that shares their tensors, but for those with an `id` in `without`."""
    tensors = chain(model.parameters(), model.buffers())
    return copy.deepcopy(
        model, {id(tensor): tensor for tensor in tensors if id(tensor) not in without}
    )


def _adapter(model: Any) -> dict[str, torch.Tensor]:
    from peft import get_peft_model_state_dict

    # "auto" would ask the hub whether the vocabulary was enlarged
    weights: dict[str, torch.Tensor] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return weights


def _adapted(model: Any) -> set[int]:
    """The `id` of each weight that a PEFT model adapts, and of those of its adapters."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    return {id(weight) for layer in layers for weight in layer.parameters()}


def _round(weights: Iterable[torch.Tensor]) -> None:
    with torch.no_grad():
        for weight in weights:
            weight.copy_(weight.to(SAVED))


def _write(weights: dict[str, torch.Tensor], path: Path) -> None:
    check_numbers(weights, path)  # what cannot be loaded must not take the place of what can
    save_tensors({name: weight.detach().to(SAVED) for name, weight in weights.items()}, path)


def _read(path: Path, expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    weights = load_tensors(path)
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    if shapes != {name: tuple(weight.shape) for name, weight in expected.items()}:
        raise ValueError(
            f"the weights in {path} have other names or shapes than the model: they belong to "
            "another base or to other "
            "[tuning] settings"
        )
    check_numbers(weights, path)
    return weights
