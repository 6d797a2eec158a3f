"""Base weights that are saved inside a pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

from .load import Base
from .plain_folder import save_plain

_OTHER_WEIGHTS = {".bin", ".gguf", ".h5", ".msgpack", ".onnx", ".ot", ".pt", ".pth"}
"""Suffixes of files that hold weights in another form than safetensors."""


def save_base(base: Base, folder: Path) -> None:
    """Write base weights and tokenizer to a new folder, where `bundled` finds them.

    The files that the weights were loaded from are copied, as they are. Only if these files are
    gone are the weights written from memory.

    Raises:
        OSError: If the files cannot be written.
    """
    folder.mkdir()
    files = _files(base.origin)
    for file in files:
        shutil.copy(file, folder)
    if not files:
        save_plain(base.model, base.tokenizer, base.origin, folder)


def bundled(folder: Path) -> str | None:
    """Return the name under which `load_base` finds the base weights of a folder.

    Returns:
        The folder, or the GGUF file in it; None if there is no such folder.
    """
    return str(next(folder.glob("*.gguf"), folder)) if folder.is_dir() else None


def _files(origin: Path) -> list[Path]:
    """Return the files of a model, with its weights only in the form that was loaded."""
    candidates = origin.iterdir() if origin.is_dir() else [origin]
    files = [file for file in candidates if file.is_file()]
    if any(file.suffix == ".safetensors" for file in files):
        return [file for file in files if file.suffix not in _OTHER_WEIGHTS]
    return files
