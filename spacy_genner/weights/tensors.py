"""Reading, writing and checking tensors in safetensors files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EIO
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file

from ..files.saved import reading


@contextmanager
def writing(path: Path, failure: type[Exception]) -> Iterator[None]:
    """Turn the exception with which a library reports a failed write into an OSError.

    Args:
        path: What is being written; the OSError names it.
        failure: The class of the library's exceptions.

    Raises:
        OSError: If the block raises a `failure`.
    """
    try:
        yield
    except failure as error:
        raise OSError(EIO, str(error), str(path)) from error


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path, **metadata: str) -> None:
    """Write tensors to a safetensors file.

    Args:
        metadata: Texts to store in the header of the file.

    Raises:
        OSError: If the file cannot be written.
    """
    path.touch()
    mode = path.stat().st_mode
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with writing(path, safetensors.SafetensorError):
        save_file(plain, path, metadata or None)
    # safetensors makes the file readable for its owner only, but a cache or a pipeline may be
    # shared with other users.
    path.chmod(mode)


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a safetensors file.

    Raises:
        ValueError: If the file is missing or corrupt.
    """
    with reading(path):
        tensors: dict[str, torch.Tensor] = load_file(path)
        return tensors


def check_numbers(tensors: Mapping[str, torch.Tensor], place: object) -> None:
    """Check that tensors hold finite floating-point numbers.

    Args:
        place: Where the tensors are from, for the error message.

    Raises:
        ValueError: If a tensor has another type, or holds NaN or infinity.
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise ValueError(
                f"{place}: {name} has the type {tensor.dtype}, expected floating-point numbers"
            )
        # torch cannot sum 8-bit floats.
        numbers = tensor if tensor.element_size() > 1 else tensor.float()
        # If the sum is finite, so is every number, and a sum needs no memory. If it is not finite,
        # it may merely have overflowed, and every number is tested.
        if not numbers.sum().isfinite() and not numbers.isfinite().all():
            raise ValueError(
                f"{place}: {name} holds NaN or infinity: the weights are damaged, or training "
                "diverged"
            )
