"""Tensors in safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from errno import EIO
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file

from ..files.saved import reading


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path, **metadata: str) -> None:
    """Write them.

    Raises:
        OSError: If the file cannot be written.
    """
    path.touch()
    mode = path.stat().st_mode
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, metadata or None)
    except safetensors.SafetensorError as error:
        raise OSError(EIO, str(error), str(path)) from error
    path.chmod(
        mode
    )  # safetensors lets only the owner read it, and others may share a cache or a pipeline


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read them.

    Raises:
        ValueError: If the file is missing or corrupt.
    """
    with reading(path):
        tensors: dict[str, torch.Tensor] = load_file(path)
        return tensors


def check_numbers(tensors: Mapping[str, torch.Tensor], place: object) -> None:
    """floating-point numbers.

    Raises:
        ValueError: That names the place if one of them holds anything but finite.
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise ValueError(
                f"{place}: {name} has the type {tensor.dtype}, expected floating-point numbers"
            )
        numbers = (
            tensor if tensor.element_size() > 1 else tensor.float()
        )  # torch cannot add numbers of 8 bits
        # a finite sum has finite parts, and takes no memory; one that is not may have overflowed
        if not numbers.sum().isfinite() and not numbers.isfinite().all():
            raise ValueError(
                f"{place}: {name} holds NaN or infinity: the weights are damaged, or training "
                "diverged"
            )
