"""Where results come from: machine, versions, commit."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent
_PACKAGES = ("torch", "transformers", "peft", "spacy", "thinc", "numpy")


def environment(device: torch.device, commit: str | None) -> dict[str, Any]:
    """What tells one run from another; None for what cannot be found out.

    Args:
        commit: What is measured; None: as git says.
    """
    gpu = device.type == "cuda"
    return {
        "commit": commit or output(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
        "device": torch.cuda.get_device_name(device)
        if gpu
        else platform.processor() or platform.machine(),
        "driver": output(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"])
        if gpu
        else None,
        "CUDA": torch.version.cuda,
        "float32 products": torch.get_float32_matmul_precision(),  # "highest": without TF32
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def output(command: Sequence[str]) -> str | None:
    """What a command prints, None if it fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
