"""What training changes: the weights of thinc models, and the moments of their optimizers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import torch
from thinc.api import Model, Optimizer, PyTorchShim, torch2xp
from torch.utils.dlpack import from_dlpack

from ..models.shim import LMShim

TrainedPart = Any
"""A layer of a thinc model, or one of its shims. Both have an `id`, by which thinc's optimizer
knows their weights."""
Weights = dict[str, torch.Tensor]
"""Tensors by names that are the same in another process: the pipe, the place in its model, and the
name there."""
DROPOUT = "dropout_rate"
MOMENTS = ("mom1", "mom2", "averages")


class Weight(NamedTuple):
    """A tensor that training may change, and where it belongs."""

    part: TrainedPart
    name: str
    tensor: torch.Tensor

    @property
    def key(self) -> tuple[int, str]:
        """The key of the tensor in thinc's optimizer, in this process."""
        return self.part.id, self.name

    def set_gradient_to_zero(self) -> None:
        """Set a gradient of zeros, which is not the same as having no gradient."""
        if isinstance(self.part, Model):
            self.part.set_grad(self.name, self.part.ops.alloc(self.part.get_param(self.name).shape))
        else:
            self.tensor.grad = torch.zeros_like(self.tensor)


class Trained:
    """The models of the pipes that are trained. A layer that several of them share counts once.

    Args:
        models: The models by the names of the pipes.

    Raises:
        ValueError: If a model has layers of a framework other than thinc and PyTorch.
    """

    def __init__(self, models: Mapping[str, Model[Any, Any]]) -> None:
        # A shared part is stored once, under the place of its last occurrence.
        self._places: dict[TrainedPart, str] = {part: place for place, part in _parts(models)}
        self._dropouts: list[tuple[str, Model[Any, Any]]] = []
        self._lms: dict[str, LMShim] = {}
        for part, place in self._places.items():
            if isinstance(part, Model) and DROPOUT in part.attrs:
                self._dropouts.append((place, part))
            elif isinstance(part, LMShim):
                self._lms[place] = part
        self.devices = {weight.tensor.device for weight in self._all().values()}

    def weights(self) -> Weights:
        """Return a copy of the weights on the CPU, each in its own dtype."""
        return {place: _copy(weight.tensor) for place, weight in self._all().items()}

    def state(self) -> dict[str, Any]:
        """Return a copy of what `to_disk` writes and training changes.

        That is the weights, and the present dropout rates.
        """
        return {
            "weights": self.weights(),
            "dropout": {place: node.attrs[DROPOUT] for place, node in self._dropouts},
        }

    def set_state(self, saved: Mapping[str, Any]) -> None:
        """Restore a state that `state` returned."""
        with torch.no_grad():
            for place, weight in self._all().items():
                weight.tensor.copy_(saved["weights"][place])
        for place, node in self._dropouts:
            node.attrs[DROPOUT] = saved["dropout"][place]
        for shim in self._lms.values():
            shim.lm.changed()

    def moments(self, optimizer: Optimizer) -> dict[str, Any]:
        """Return all that a step depends on besides weights, gradients and schedules.

        Not all of it is copied: write it to a file before the next step.
        """
        places = {weight.key: place for place, weight in self._all().items()}
        state: dict[str, Any] = {
            "steps": {places[key]: steps for key, steps in optimizer.nr_update.items()},
            "lms": {place: shim.moments for place, shim in self._lms.items()},
        }
        for kind in MOMENTS:
            arrays = getattr(optimizer, kind) or {}  # an optimizer without averages has None
            state[kind] = {places[key]: _copy(from_dlpack(array)) for key, array in arrays.items()}
        return state

    def set_moments(self, optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
        """Restore what `moments` returned, in an optimizer that has not made a step yet."""
        weights = self._all()
        for place, steps in saved["steps"].items():
            weight = weights[place]
            optimizer.nr_update[weight.key] = steps
            for kind in MOMENTS:
                if place in saved[kind]:
                    moment = saved[kind][place].to(weight.tensor.device)
                    getattr(optimizer, kind)[weight.key] = torch2xp(moment)
            # A weight that has had a gradient once takes part in every step, even with zeros.
            weight.set_gradient_to_zero()
        for place, shim in self._lms.items():
            shim.moments = saved["lms"][place]

    def _all(self) -> dict[str, Weight]:
        weights = {}
        for part, place in self._places.items():
            for name, tensor in _tensors(part).items():
                weights[f"{place}.{name}"] = Weight(part, name, tensor)
        return weights


def _parts(models: Mapping[str, Model[Any, Any]]) -> Iterator[tuple[str, TrainedPart]]:
    """Yield each layer and each shim of the models with its place: PIPE.LAYER.SHIM."""
    for pipe, model in models.items():
        for i, node in enumerate(model.walk()):
            for j, part in enumerate([node, *node.shims]):
                yield f"{pipe}.{i}.{j}", part


@singledispatch
def _tensors(part: TrainedPart) -> Weights:
    """Return the tensors of a part by their names in it, not copied."""
    kind = type(part).__name__
    raise ValueError(
        f"{kind}: the training of a model with layers of this kind cannot be resumed after a kill. "
        "Train with `spacy train`"
    )


@_tensors.register(Model)
def _(part: Model[Any, Any]) -> Weights:
    return {
        name: from_dlpack(part.get_param(name)) for name in part.param_names if part.has_param(name)
    }


@_tensors.register(PyTorchShim)
def _(part: PyTorchShim) -> Weights:
    scaler = part._grad_scaler  # of mixed precision; it changes at each update
    tensors = {"(scale)": scaler._scale, "(growth)": scaler._growth_tracker}
    return tensors | dict(part._model.named_parameters()) | dict(part._model.named_buffers())


@_tensors.register(LMShim)
def _(part: LMShim) -> Weights:
    return dict(part.lm.weights)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True)
