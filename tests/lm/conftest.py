"""Base weights that a test may damage or remove."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lm.test_convert import tiny_llama, vocabulary, write_gguf


@pytest.fixture
def folder(tiny: Callable[..., str], tmp_path: Path) -> Path:
    """A copy of a tiny model that may be damaged."""
    return Path(shutil.copytree(tiny("llama"), tmp_path / "model"))


@pytest.fixture
def gguf_file(tmp_path: Path) -> Path:
    write_gguf(tmp_path / "tiny.gguf", tiny_llama(len(vocabulary()[0])))
    return tmp_path / "tiny.gguf"
