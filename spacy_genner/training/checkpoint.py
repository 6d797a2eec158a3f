"""The checkpoint file of a training, written so that a kill cannot damage it."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..files.writing import remove_leftovers, replacing


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a state to a checkpoint file.

    If the process is killed meanwhile, the path holds either the previous file or the new one.

    Args:
        path: The file to write or replace.
        state: A dict of tensors and of Python's built-in types.

    Raises:
        OSError: If the file cannot be written.
    """
    remove_leftovers(path)
    with replacing(path) as new, new.open("wb") as file:
        torch.save(state, file)


def read(path: Path) -> dict[str, Any]:
    """Read the state in a checkpoint file, with its tensors on the CPU.

    Raises:
        ValueError: If the file is corrupt.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch itself does not check the checksums
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:  # zipfile, pickle and torch raise another type for each damage
        raise ValueError(f"{path} is not a readable checkpoint: {error}") from error


def remove(path: Path) -> None:
    """Remove a checkpoint file, and the leftovers of a newer one whose writing was killed."""
    path.unlink(missing_ok=True)
    remove_leftovers(path)


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """Return a hash of the names and values of weights."""
    result = hashlib.sha256()
    for name, weight in weights.items():
        result.update(name.encode())
        result.update(weight.flatten().view(torch.uint8).numpy().data)  # NumPy has no bfloat16
    return result.hexdigest()


def random_states(devices: Iterable[torch.device]) -> dict[str, Any]:
    """Return the states of the random generators of Python, NumPy and torch.

    For torch, these include the generators of the GPUs among the devices. Other kinds of devices do
    not reveal theirs, nor does CuPy, which thinc's dropout draws from on a GPU.
    """
    numpy: Any = np.random.get_state()
    kind, keys, *rest = numpy
    gpus = [device for device in devices if device.type == "cuda"]
    return {
        "python": random.getstate(),
        "numpy": [kind, keys.tolist(), *rest],
        "torch": torch.get_rng_state().numpy().tobytes(),
        "cuda": {
            str(device): torch.cuda.get_rng_state(device).numpy().tobytes() for device in gpus
        },
    }


def set_random_states(states: Mapping[str, Any]) -> None:
    """Restore the states that `random_states` returned."""
    version, keys, rest = states["python"]
    random.setstate((version, tuple(keys), rest))
    np.random.set_state(tuple(states["numpy"]))
    torch.set_rng_state(_tensor(states["torch"]))
    for device, state in states["cuda"].items():
        torch.cuda.set_rng_state(_tensor(state), device)


def _tensor(data: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
