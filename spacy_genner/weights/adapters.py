"""The weights that training changes: a LoRA adapter (through PEFT), or all weights of the model."""

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
"""The type of trained weights on disk. They are rounded to it for decoding as well, so that a model
decodes the same before it is saved and after it has been loaded."""

_SCALING = ("lora_alpha", "use_rslora")
"""The settings of an adapter that cannot be recognised by its weights."""


@runtime_checkable
class Tuning(Protocol):
    """A way to train a model.

    `attach` makes a trainable model; the other methods take that model.
    """

    def attach(self, base: Any) -> Any:
        """Return a trainable model that starts out equal to a base; the weights of the base itself
        never change."""

    def save(self, model: Any, folder: Path) -> None:
        """Write the trained weights of a model to a folder.

        Raises:
            ValueError: If the weights hold NaN or infinity.
            OSError: If the files cannot be written.
        """

    def restore(self, model: Any, folder: Path) -> None:
        """Read the trained weights of a model from a folder that `save` has written.

        Raises:
            ValueError: If the files are missing or corrupt, or belong to another model.
        """

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a plain, frozen model for decoding, with the present weights of a trainable model.

        Args:
            dtype: The type that decoding computes in.
        """


@dataclass(frozen=True, slots=True)
class LoRA:
    """Training of low-rank adapters (arXiv 2106.09685). The settings are those of PEFT's
    `LoraConfig`."""

    r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    target_modules: str | Sequence[str] = "all-linear"
    use_rslora: bool = False
    use_dora: bool = False

    def attach(self, base: Any) -> Any:
        """Return a copy of a base's modules with adapters inside, which shares the weights of the
        base.

        Raises:
            ValueError: If the adapter would change the output matrix, of which decoding reads
                single rows.
        """
        from peft import LoraConfig, get_peft_model

        settings = {
            "task_type": "SEQ_2_SEQ_LM" if base.config.is_encoder_decoder else "CAUSAL_LM",
            **asdict(self),
        }
        if not isinstance(self.target_modules, str):
            settings["target_modules"] = list(self.target_modules)
        with warnings.catch_warnings():
            # PEFT reads a property of transformers 5 under its old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            model: Any = get_peft_model(sharing_copy(base), LoraConfig(**settings))
        if id(base.get_output_embeddings().weight) in _adapted(model):
            raise ValueError(
                f"target_modules = {self.target_modules!r} adapts the output matrix: leave it out"
            )
        return model

    def save(self, model: Any, folder: Path) -> None:
        """Write `adapter_config.json` and `adapter_model.safetensors`, which PEFT can load.

        Raises:
            ValueError: If the weights hold NaN or infinity.
            OSError: If the files cannot be written.
        """
        model.peft_config["default"].save_pretrained(str(folder))
        _write(_adapter(model), folder / "adapter_model.safetensors")

    def restore(self, model: Any, folder: Path) -> None:
        """Read the adapter from a folder that `save` has written.

        Raises:
            ValueError: If the files are missing or corrupt, or belong to another model or to other
                settings.
        """
        from peft import set_peft_model_state_dict

        weights = _read(folder / "adapter_model.safetensors", _adapter(model))
        path = folder / "adapter_config.json"
        saved = read_object(path)
        for name in _SCALING:
            own = getattr(self, name)
            if saved.get(name) != own:
                raise ValueError(
                    f"{path} has {name} = {saved.get(name)!r}, but [tuning] has {own!r}: give the "
                    "settings that the adapter was trained with"
                )
        set_peft_model_state_dict(model, weights)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a copy of the base with the adapter added to the matrices that it adapts. It
        shares all other weights with the base.

        Args:
            dtype: Ignored: the weights keep the type of the base.
        """
        merged = sharing_copy(model, without=_adapted(model))
        _round(weight for weight in merged.parameters() if weight.requires_grad)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Input and output embeddings are no longer tied", UserWarning
            )
            result = merged.merge_and_unload()
        # In transformers 5, `tie_word_embeddings` is true even for a T5 whose matrices are not
        # tied. PEFT then concludes that merging has untied them, and changes the setting, on which
        # the scaling of the output depends.
        result.config = model.get_base_model().config
        return result.requires_grad_(False).eval()


@dataclass(frozen=True, slots=True)
class FullTuning:
    """Training of every weight of the model, for small or randomly initialised models."""

    def attach(self, base: Any) -> Any:
        """Return a float32 copy of a base."""
        return copy.deepcopy(base).float().requires_grad_(True)

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.safetensors`.

        Raises:
            ValueError: If the weights hold NaN or infinity.
            OSError: If the file cannot be written.
        """
        _write(dict(model.named_parameters()), folder / "model.safetensors")

    def restore(self, model: Any, folder: Path) -> None:
        """Read `model.safetensors`.

        Raises:
            ValueError: If the file is missing or corrupt, or belongs to another model.
        """
        weights = dict(model.named_parameters())
        with torch.no_grad():
            for name, saved in _read(folder / "model.safetensors", weights).items():
                weights[name].copy_(saved)

    def merged(self, model: Any, dtype: torch.dtype) -> Any:
        """Return a copy of a trainable model.

        Args:
            dtype: The type of the weights of the copy.
        """
        merged = copy.deepcopy(model).requires_grad_(False)
        _round(merged.parameters())
        # Buffers keep their type, because rotary frequencies must stay exact.
        for weight in merged.parameters():
            weight.data = weight.data.to(dtype)
        return merged.eval()


def sharing_copy(model: Any, without: Collection[int] = ()) -> Any:
    """Return a copy of the modules of a model that shares their parameters and buffers.

    Args:
        without: The `id` of each tensor that is copied instead of shared.
    """
    tensors = chain(model.parameters(), model.buffers())
    # The memo tells deepcopy that these tensors have already been copied, namely as themselves.
    memo = {id(tensor): tensor for tensor in tensors if id(tensor) not in without}
    return copy.deepcopy(model, memo)


def _adapter(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of the adapter in a PEFT model."""
    from peft import get_peft_model_state_dict

    # The default, "auto", would ask the hub whether the vocabulary has been enlarged.
    weights: dict[str, torch.Tensor] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return weights


def _adapted(model: Any) -> set[int]:
    """Return the `id` of each weight that a PEFT model adapts, and of each weight of its
    adapters."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    return set(map(id, chain.from_iterable(layer.parameters() for layer in layers)))


def _round(weights: Iterable[torch.Tensor]) -> None:
    """Round weights in place to the type that they have on disk."""
    with torch.no_grad():
        for weight in weights:
            weight.copy_(weight.to(SAVED))


def _write(weights: dict[str, torch.Tensor], path: Path) -> None:
    check_numbers(weights, path)  # Weights that cannot be loaded must not replace those that can
    save_tensors({name: weight.detach().to(SAVED) for name, weight in weights.items()}, path)


def _read(path: Path, expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Read weights that must have the same names and shapes as the expected ones."""
    weights = load_tensors(path)
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    if shapes != {name: tuple(weight.shape) for name, weight in expected.items()}:
        raise ValueError(
            f"the weights in {path} have other names or shapes than those of the model: they "
            "belong to another base or to other [tuning] settings"
        )
    check_numbers(weights, path)
    return weights
