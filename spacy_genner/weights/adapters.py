"""PEFT adapters: attached to a base, read from a folder, saved, and merged into a copy of it."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from .adapter_config import changes_base
from .tensors import check_numbers, load_tensors, save_tensors

WEIGHTS = "adapter_model.safetensors"

SAVED = torch.bfloat16
"""The type on disk of weights that were trained here. They are rounded to it for decoding as well,
so that a model decodes the same before it is saved and after it has been loaded."""

_PREFIX = "base_model.model."
"""What PEFT puts before the name that a weight has in the base."""

_EMBEDDINGS = (".weight", ".base_layer.weight", ".token_adapter.base_layer.weight")
"""What may come after the name of a layer in the name of its embedding matrix."""


class Stored(NamedTuple):
    """How an adapter is stored; the attribute `stored` of its PEFT model.

    Attributes:
        dtype: The type of its weights on disk: an adapter that was trained elsewhere keeps the
            precision that it has.
        embeddings: Whether the embeddings are stored with it, as PEFT does if they have other rows
            than those of the base.
    """

    dtype: torch.dtype = SAVED
    embeddings: bool = False


def attach(base: Any, config: Any) -> Any:
    """Return a copy of a base's modules with a new adapter inside. It shares the weights of the
    base that the adapter does not change.

    Args:
        config: The settings of the adapter, a `PeftConfig`.
    """
    model = _with_adapter(base, config)
    _separate(model, base)
    return model


def load(base: Any, folder: Path, config: Any) -> Any:
    """Return a copy of a base's modules with the adapter of a folder inside, as `attach` does.

    Args:
        config: The settings of the adapter; see `read_config`.

    Raises:
        ValueError: If the weights are missing or corrupt, or belong to another base or to other
            settings.
    """
    from peft import set_peft_model_state_dict

    path = folder / WEIGHTS
    weights = load_tensors(path)
    model = _with_adapter(base, config, _rows(base, weights))
    rounded = {weight.dtype for weight in weights.values()} == {SAVED}
    places = tuple(f"{_PREFIX}{name}." for name in _embedding_layers(base))
    embeddings = any(name.startswith(places) for name in weights.keys() - _weights(model).keys())
    model.stored = Stored(SAVED if rounded else torch.float32, embeddings)
    _separate(model, base)
    check_weights(weights, _weights(model), path)
    set_peft_model_state_dict(model, weights)
    return model


def save(model: Any, folder: Path) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors`, which PEFT can load.

    Raises:
        ValueError: If the weights hold NaN or infinity.
        OSError: If the files cannot be written.
    """
    config = copy.copy(model.peft_config["default"])
    for name, value in vars(config).items():
        if isinstance(value, set):
            setattr(config, name, sorted(value))  # PEFT would write it in a random order.
    config.save_pretrained(str(folder))
    write(_weights(model), folder / WEIGHTS, model.stored.dtype)


def merged(model: Any, dtype: torch.dtype) -> Any:
    """Return a plain, frozen copy of a PEFT model with the adapter merged into the weights that it
    adapts. It shares all other weights with the base.

    Args:
        dtype: The type of the base's weights, which those of the adapter take.
    """
    result = sharing_copy(model, without=_changed(model))
    _untie(result)
    own = _parameters(result)
    round_to(own, model.stored.dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Input and output embeddings are no longer tied", UserWarning
        )
        result = result.merge_and_unload()
    for weight in own:  # those that PEFT puts in the place of weights of the base are float32
        weight.data = weight.data.to(dtype)
    # In transformers 5, `tie_word_embeddings` is true even for a T5 whose matrices are not
    # tied. PEFT then concludes that merging has untied them, and changes the setting, on which
    # the scaling of the output depends.
    result.config = model.get_base_model().config
    return result.requires_grad_(False).eval()


def sharing_copy(model: Any, without: Collection[int] = ()) -> Any:
    """Return a copy of the modules of a model that shares their parameters and buffers.

    Args:
        without: The `id` of each tensor that is copied instead of shared.
    """
    tensors = chain(model.parameters(), model.buffers())
    # The memo tells deepcopy that these tensors have already been copied, namely as themselves.
    memo = {id(tensor): tensor for tensor in tensors if id(tensor) not in without}
    return copy.deepcopy(model, memo)


def round_to(weights: Collection[torch.Tensor], dtype: torch.dtype) -> None:
    """Round weights in place to the type that they have on disk."""
    with torch.no_grad():
        for weight in weights:
            weight.copy_(weight.to(dtype))


def write(weights: Mapping[str, torch.Tensor], path: Path, dtype: torch.dtype) -> None:
    """Write weights in the type that they have on disk; whole numbers keep theirs.

    Raises:
        ValueError: If the weights hold NaN or infinity.
        OSError: If the file cannot be written.
    """
    numbers = {name: weight for name, weight in weights.items() if weight.is_floating_point()}
    check_numbers(numbers, path)  # Weights that cannot be loaded must not replace those that can
    rounded = {name: weight.detach().to(dtype, copy=True) for name, weight in numbers.items()}
    save_tensors({**weights, **rounded}, path)


def _with_adapter(base: Any, config: Any, rows: int | None = None) -> Any:
    """Return a PEFT model that shares all weights with a base.

    Args:
        rows: The number of rows that the embeddings must have; None: as many as those of the base.
    """
    from peft import get_peft_model

    # What is changed in place must not be that of the base.
    changed = base.parameters() if changes_base(config) else []
    if rows is not None:
        changed = [*changed, *(layer.weight for layer in _embedding_layers(base).values())]
    model = sharing_copy(base, without=set(map(id, changed)))
    if rows is not None:
        model.resize_token_embeddings(rows, mean_resizing=False)
    with warnings.catch_warnings():
        # PEFT reads a property of transformers 5 under its old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        model = get_peft_model(model, config)
    model.stored = Stored()
    return model


def _separate(model: Any, base: Any) -> None:
    """Give a PEFT model a copy of every weight that belongs to the adapter but is still that of the
    base, as biases are, and embeddings that are stored with the adapter. What is trained is
    float32."""
    shared = set(map(id, base.parameters()))
    copies = {
        id(weight): _copy_of(weight)
        for weight in _parameters(model)
        if id(weight) in shared or (weight.requires_grad and weight.dtype != torch.float32)
    }
    for module in model.modules():
        for name, weight in module._parameters.items():
            if id(weight) in copies:
                module._parameters[name] = copies[id(weight)]
    base.requires_grad_(False)  # PEFT has made biases trainable before they were separated.


def _copy_of(weight: torch.nn.Parameter) -> torch.nn.Parameter:
    number = weight.detach().clone()
    return torch.nn.Parameter(
        number.float() if weight.requires_grad else number, weight.requires_grad
    )


def _rows(base: Any, weights: Mapping[str, torch.Tensor]) -> int | None:
    """Return the number of rows of the embeddings that are stored with an adapter; None if it is
    that of the base, or if there are none.

    Raises:
        ValueError: If the input and the output embeddings have other rows than those of the base,
            but only one of them is stored.
    """
    layers = _embedding_layers(base)
    own = len(base.get_input_embeddings().weight)
    stored = {
        name: len(weights[key])
        for name in layers
        for end in _EMBEDDINGS
        if (key := f"{_PREFIX}{name}{end}") in weights
    }
    rows = max(stored.values(), default=own)
    if rows == own:
        return None
    distinct = {id(layer.weight) for layer in layers.values()}
    if len(stored) < len(distinct):
        raise ValueError(
            f"the adapter has {' and '.join(stored)} with {rows:,} rows instead of the base's "
            f"{own:,}, but not the other embeddings: train it with those of the input and of the "
            "output in modules_to_save"
        )
    return rows


def _embedding_layers(base: Any) -> dict[str, Any]:
    """Return the layers of the input and the output embeddings by their names."""
    layers = (base.get_input_embeddings(), base.get_output_embeddings())
    return {name: module for name, module in base.named_modules() if module in layers}


def check_weights(
    weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], path: Path
) -> None:
    """Check that weights can take the place of others.

    Args:
        path: Where they are from, for the error message.

    Raises:
        ValueError: If they have other names or shapes.
        ValueError: If they are not finite numbers where the others are.
    """
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    wanted = {name: tuple(weight.shape) for name, weight in expected.items()}
    for name in {**wanted, **shapes}:
        if shapes.get(name) != wanted.get(name):
            raise ValueError(
                f"the weights in {path} have other names or shapes than those of the model, such "
                f"as {name} with {shapes.get(name, 'no')} instead of {wanted.get(name, 'no')} "
                "numbers: they belong to another base or to other [tuning] settings"
            )
    check_numbers({n: w for n, w in weights.items() if expected[n].is_floating_point()}, path)


def _weights(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of the adapter in a PEFT model, under the names that they have on disk."""
    from peft import get_peft_model_state_dict

    # The default for the embeddings, "auto", would ask the hub whether they have been enlarged.
    weights: dict[str, torch.Tensor] = get_peft_model_state_dict(
        model, save_embedding_layers=model.stored.embeddings
    )
    return weights


def _parameters(model: Any) -> list[torch.nn.Parameter]:
    """Return the weights of the adapter in a PEFT model."""
    places = {weight.data_ptr() for weight in _weights(model).values()}
    return [weight for weight in model.parameters() if weight.data_ptr() in places]


def _changed(model: Any) -> set[int]:
    """Return the `id` of each weight of an adapter, and of each weight that merging changes."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    kinds = (BaseTunerLayer, AuxiliaryTrainingWrapper)
    layers: list[Any] = [module for module in model.modules() if isinstance(module, kinds)]
    adapted = chain.from_iterable(layer.parameters() for layer in layers)
    return set(map(id, chain(adapted, _parameters(model))))


def _untie(model: Any) -> None:
    """Give each adapted layer weights of its own, so that merging an adapter of tied embeddings
    into one of the two layers leaves the other one as it is."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    holders = Counter(id(w) for module in model.modules() for w in module._parameters.values())
    layers: list[Any] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    for layer in layers:
        plain = layer.get_base_layer()
        for name, weight in plain._parameters.items():
            if weight is not None and holders[id(weight)] > 1:
                plain._parameters[name] = torch.nn.Parameter(weight.detach().clone(), False)
