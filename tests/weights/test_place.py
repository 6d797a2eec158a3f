"""What is known by a name changes with the files, and not otherwise."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from spacy_genner.weights.place import place_of
from tests.weights.test_load import load

Change = Callable[[Path], None]


def rewritten(file: Path) -> None:
    """With other content of the same size and, as far as a program can say, of the same time."""
    times = file.stat()
    file.write_bytes(bytes(file.stat().st_size))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(file: Path) -> None:
    """By a file of the same size and time."""
    other = Path(shutil.copy2(file, file.with_name("other")))
    other.rename(file)


def removed(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [rewritten, replaced, removed])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_another_file_makes_another_place(folder: Path, change: Change, name: str) -> None:
    before = place_of(str(folder), None)
    assert place_of(str(folder), None) == before
    change(folder / name)
    assert place_of(str(folder), None) != before


def test_one_more_file_makes_another_place(folder: Path) -> None:
    before = place_of(str(folder), None)
    (folder / "generation_config.json").rename(folder / "chat_template.jinja")
    assert place_of(str(folder), None) != before


def test_a_gguf_file_is_a_place_by_itself(gguf_file: Path) -> None:
    before = place_of(str(gguf_file), None)
    gguf_file.with_name("another.gguf").touch()
    assert place_of(str(gguf_file), None) == before
    replaced(gguf_file)
    assert place_of(str(gguf_file), None) != before


def test_a_relative_name_is_another_place_elsewhere(
    folder: Path, tiny: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "elsewhere").mkdir()
    shutil.copytree(tiny("qwen3"), folder.parent / "elsewhere" / "model")
    monkeypatch.chdir(folder.parent)
    base = load("model")
    assert load("./model") is load(folder) is base
    monkeypatch.chdir("elsewhere")
    assert load("model").model.config.model_type == "qwen3"


def test_changed_files_are_loaded_and_the_old_weights_stay_with_who_has_them(
    folder: Path, tiny: Callable[..., str]
) -> None:
    base = load(folder)
    shutil.copytree(tiny("qwen3"), folder, dirs_exist_ok=True)
    again = load(folder)
    assert (base.model.config.model_type, again.model.config.model_type) == ("llama", "qwen3")
    assert load(folder) is again
