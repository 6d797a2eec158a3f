"""The state of a training in a file that a kill cannot harm."""

from __future__ import annotations

import hashlib
import os
import random
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..lm.causal import CausalLM


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a dict of tensors and of what Python has built in. A kill leaves the file of before, or the new one."""
    fresh = _fresh(path)
    with fresh.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Read it, with its tensors on the CPU. Raises: ValueError if the file is corrupt."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch itself does not look at the checksums
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:  # for each kind of damage zipfile, pickle and torch have another
        raise ValueError(f"{path} is no readable checkpoint: {error}") from error


def remove(path: Path) -> None:
    """Remove the file, and what a kill has left of a newer one."""
    path.unlink(missing_ok=True)
    _fresh(path).unlink(missing_ok=True)


def trained_weights(lm: CausalLM) -> dict[str, torch.Tensor]:
    """A copy, on the CPU, of the weights that are trained, in the type in which they are."""
    return {name: weight.detach().to("cpu", copy=True) for name, weight in _trained(lm).items()}


def set_trained_weights(lm: CausalLM, saved: Mapping[str, torch.Tensor]) -> None:
    """Put such a copy back."""
    with torch.no_grad():
        for name, weight in _trained(lm).items():
            weight.copy_(saved[name])
    lm.changed()


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """A hash of names and values."""
    result = hashlib.sha256()
    for name, weight in weights.items():
        result.update(name.encode())
        result.update(weight.numpy().tobytes())
    return result.hexdigest()


def random_states(devices: Iterable[torch.device]) -> dict[str, Any]:
    """Where the random generators of Python, NumPy and torch stand, for torch also those of the GPUs among the devices.
    Other kinds of devices than these keep theirs to themselves."""
    numpy: Any = np.random.get_state()
    kind, keys, *rest = numpy
    return {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": {str(device): torch.cuda.get_rng_state(device) for device in devices if device.type == "cuda"},
    }


def set_random_states(states: Mapping[str, Any]) -> None:
    """Put the random generators back to where they stood."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    for device, state in states["cuda"].items():
        torch.cuda.set_rng_state(state, device)


def _trained(lm: CausalLM) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in lm.model.named_parameters() if weight.requires_grad}


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")
