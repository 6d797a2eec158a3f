"""A base that goes with its pipeline must be what it was, for every version of transformers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from spacy_genner.lm.causal import CausalLM
from spacy_genner.models.losses import LOSSES, LossShim
from spacy_genner.weights.bundle import bundled, save_base
from spacy_genner.weights.consent import VARIABLE
from tests.weights.test_load import as_pickle, files, load, logits


@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
def test_a_bundled_base_is_what_it_was(
    tiny: Callable[..., str], tmp_path: Path, tokenizer: str
) -> None:
    """Byte by byte: a folder that transformers 5 writes, transformers 4 cannot read, and the other
    way round it takes a wrong rotary base."""
    origin = Path(tiny("llama", tokenizer))
    save_base(load(origin), tmp_path / "base")
    assert files(tmp_path / "base") == files(origin)
    again = load(bundled(tmp_path / "base") or "")
    assert (again.fingerprint, again.tokenizer_hash) == (
        load(origin).fingerprint,
        load(origin).tokenizer_hash,
    )


def test_a_bundled_base_has_its_weights_once(folder: Path, tmp_path: Path) -> None:
    expected = files(folder)
    for name in ("pytorch_model.bin", "model.gguf", "optimizer.pt"):
        (folder / name).write_bytes(b"x")
    (folder / "checkpoint-100").mkdir()
    save_base(load(folder), tmp_path / "base")
    assert files(tmp_path / "base") == expected
    assert not any(file.is_dir() for file in (tmp_path / "base").iterdir())


def test_pickled_weights_are_bundled_if_there_are_no_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "pickle")
    as_pickle(folder)
    base = load(folder, allow_pickle=True)
    save_base(base, tmp_path / "base")
    assert files(tmp_path / "base") == files(folder)
    assert load(tmp_path / "base", allow_pickle=True).fingerprint == base.fingerprint


def test_a_gguf_file_is_bundled_as_it_is(gguf_file: Path, tmp_path: Path) -> None:
    base = load(gguf_file)
    save_base(base, tmp_path / "base")
    gguf_file.unlink()
    assert bundled(tmp_path / "base") == str(tmp_path / "base" / "tiny.gguf")
    again = load(bundled(tmp_path / "base") or "")
    assert torch.equal(logits(again), logits(base))


def test_a_base_whose_files_are_gone_is_bundled_from_memory(folder: Path, tmp_path: Path) -> None:
    base = load(folder)
    shutil.rmtree(folder)
    save_base(base, tmp_path / "base")
    again = load(tmp_path / "base")
    assert again.fingerprint == base.fingerprint
    assert again.tokenizer_hash == base.tokenizer_hash
    assert torch.equal(logits(again), logits(base))


def shim_on(name: Path) -> LossShim:
    return LossShim(
        CausalLM(str(name), dtype="float32", device="cpu", bundle_base=True), LOSSES["tokens"]
    )


@pytest.mark.parametrize("kind", ["folder", "gguf"])
def test_a_bundled_base_is_saved_over_itself(
    folder: Path, gguf_file: Path, tmp_path: Path, kind: str
) -> None:
    name = folder if kind == "folder" else gguf_file
    shim_on(name).to_disk(tmp_path / "saved")
    before = files(tmp_path / "saved" / "base")
    shim_on(name).from_disk(tmp_path / "saved").to_disk(tmp_path / "saved")
    assert files(tmp_path / "saved" / "base") == before


def test_nothing_of_an_older_bundle_stays(folder: Path, gguf_file: Path, tmp_path: Path) -> None:
    shim_on(gguf_file).to_disk(tmp_path / "saved")
    shim_on(folder).to_disk(tmp_path / "saved")
    assert files(tmp_path / "saved" / "base") == files(folder)


def test_no_bundle(tmp_path: Path) -> None:
    assert bundled(tmp_path / "base") is None
