"""What training changes: the weights of thinc models, and the moments of the optimizers that change
them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import torch
from thinc.api import Model, Optimizer, PyTorchShim, torch2xp
from torch.utils.dlpack import from_dlpack

from ..models.shim import LMShim

Part = Any
"""A layer of a thinc model, or one of its shims. Both have an `id`, by which thinc's optimizer
knows their weights."""
Weights = dict[str, torch.Tensor]
"""Tensors by names that are the same in another process: pipe, place in its model, and name
there."""
DROPOUT = "dropout_rate"
MOMENTS = ("mom1", "mom2", "averages")


class Weight(NamedTuple):
    """A tensor that training may change, where it is."""

    part: Part
    name: str
    tensor: torch.Tensor

    @property
    def key(self) -> tuple[int, str]:
        """What thinc's optimizer calls it in this process."""
        return self.part.id, self.name

    def set_gradient_to_zero(self) -> None:
        """Which is not the same as to have none."""
        if isinstance(self.part, Model):
            self.part.set_grad(self.name, self.part.ops.alloc(self.part.get_param(self.name).shape))
        else:
            self.tensor.grad = torch.zeros_like(self.tensor)


class Trained:
    """The models of the pipes that are trained, by the names of the pipes. A layer of several of
    them counts once.

    Raises:
        ValueError: If a model has layers of another framework than thinc and PyTorch.
    """

    def __init__(self, models: Mapping[str, Model[Any, Any]]) -> None:
        self._places: dict[Part, str] = {
            part: f"{pipe}.{i}.{j}"
            for pipe, model in models.items()
            for i, node in enumerate(model.walk())
            for j, part in enumerate([node, *node.shims])
        }
        nodes = [(place, part) for part, place in self._places.items() if isinstance(part, Model)]
        self._dropouts = [(place, node) for place, node in nodes if DROPOUT in node.attrs]
        self._lms = {
            place: part for part, place in self._places.items() if isinstance(part, LMShim)
        }
        self.devices = {weight.tensor.device for weight in self._all().values()}

    def weights(self) -> Weights:
        """A copy on the CPU, in the type in which they are."""
        return {place: _copy(weight.tensor) for place, weight in self._all().items()}

    def state(self) -> dict[str, Any]:
        """A copy of what training changes in what `to_disk` writes: weights, and the present rates
        of dropout."""
        return {
            "weights": self.weights(),
            "dropout": {place: node.attrs[DROPOUT] for place, node in self._dropouts},
        }

    def set_state(self, saved: Mapping[str, Any]) -> None:
        """Put such a copy back."""
        with torch.no_grad():
            for place, weight in self._all().items():
                weight.tensor.copy_(saved["weights"][place])
        for place, node in self._dropouts:
            node.attrs[DROPOUT] = saved["dropout"][place]
        for shim in self._lms.values():
            shim.lm.changed()

    def moments(self, optimizer: Optimizer) -> dict[str, Any]:
        """All that a step depends on beside weights, gradients and schedules. Not all of it is
        copied."""
        places = {weight.key: place for place, weight in self._all().items()}
        state: dict[str, Any] = {
            "steps": {places[key]: steps for key, steps in optimizer.nr_update.items()}
        }
        for kind in MOMENTS:
            arrays = getattr(optimizer, kind) or {}  # no averages are None
            state[kind] = {places[key]: _copy(from_dlpack(array)) for key, array in arrays.items()}
        return state | {"lms": {place: shim.moments for place, shim in self._lms.items()}}

    def set_moments(self, optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
        """Put them back into an optimizer that has made no step yet."""
        weights = self._all()
        for place, steps in saved["steps"].items():
            weight = weights[place]
            optimizer.nr_update[weight.key] = steps
            for kind in MOMENTS:
                if place in saved[kind]:
                    getattr(optimizer, kind)[weight.key] = torch2xp(
                        saved[kind][place].to(weight.tensor.device)
                    )
            # what has had a gradient once makes every step, even with one of zero
            weight.set_gradient_to_zero()
        for place, shim in self._lms.items():
            shim.moments = saved["lms"][place]

    def _all(self) -> dict[str, Weight]:
        return {
            f"{place}.{name}": Weight(part, name, tensor)
            for part, place in self._places.items()
            for name, tensor in _tensors(part).items()
        }


@singledispatch
def _tensors(part: Part) -> Weights:
    """Those of a part, not copied."""
    kind = type(part).__name__
    raise ValueError(
        f"{kind}: a model with layers of this kind cannot go on after a kill: train with `spacy "
        "train`"
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
    return {
        name: weight for name, weight in part.lm.model.named_parameters() if weight.requires_grad
    }


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True)
