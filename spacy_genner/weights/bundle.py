"""Base weights inside a saved pipeline."""

from __future__ import annotations

import shutil
from errno import EIO
from pathlib import Path

from .load import Base

_OTHER_WEIGHTS = {".bin", ".gguf", ".h5", ".msgpack", ".onnx", ".ot", ".pt", ".pth"}


def save_base(base: Base, folder: Path) -> None:
    """Write base weights and tokenizer to a new folder, where `bundled` finds them.

    The files that they come from are copied, for what transformers 5 writes, transformers 4 cannot
    read. Only if they are gone, they are written anew.

    Raises:
        OSError: If they cannot be written.
    """
    folder.mkdir()
    files = _files(base.origin)
    for file in files:
        shutil.copy(file, folder)
    if not files:
        _write(base, folder)


def bundled(folder: Path) -> str | None:
    """What `load_base` takes as the name of the base weights in a folder, if there are any."""
    return str(next(folder.glob("*.gguf"), folder)) if folder.is_dir() else None


def _write(base: Base, folder: Path) -> None:
    try:
        base.model.save_pretrained(folder)
        base.tokenizer.save_pretrained(folder)
    except (
        Exception
    ) as error:  # safetensors and tokenizers have errors of their own for a full disk
        raise OSError(EIO, str(error), str(folder)) from error


def _files(origin: Path) -> list[Path]:
    """The files of a model; of several forms of its weights, the one that was loaded."""
    files = [file for file in origin.iterdir() if file.is_file()] if origin.is_dir() else [origin]
    safe = any(file.suffix == ".safetensors" for file in files)
    return [
        file for file in files if file.is_file() and not (safe and file.suffix in _OTHER_WEIGHTS)
    ]
