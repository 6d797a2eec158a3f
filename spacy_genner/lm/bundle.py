"""Base weights inside a saved pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

from .load import Base

_OTHER_WEIGHTS = {".bin", ".gguf", ".h5", ".msgpack", ".onnx", ".ot", ".pt", ".pth"}


def save_base(base: Base, folder: Path) -> None:
    """Write base weights and tokenizer where `bundled` finds them.

    The files that they come from are copied, for what transformers 5 writes, transformers 4 cannot read. Only if they
    are gone, they are written anew.
    """
    if folder.resolve() in (base.origin.resolve(), base.origin.resolve().parent):
        return  # a pipeline is saved over itself
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = _files(base.origin)
    for file in files:
        shutil.copy(file, folder)
    if not files:
        base.model.save_pretrained(folder)
        base.tokenizer.save_pretrained(folder)


def bundled(folder: Path) -> str | None:
    """What `load_base` takes as the name of the base weights in a folder, if there are any."""
    return str(next(folder.glob("*.gguf"), folder)) if folder.is_dir() else None


def _files(origin: Path) -> list[Path]:
    """The files of a model; of several forms of its weights, the one that was loaded."""
    files = [file for file in origin.iterdir() if file.is_file()] if origin.is_dir() else [origin]
    safe = any(file.suffix == ".safetensors" for file in files)
    return [file for file in files if file.is_file() and not (safe and file.suffix in _OTHER_WEIGHTS)]
