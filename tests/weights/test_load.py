"""A name becomes base weights that are shared and identified, or an error that says what to do."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.lm.check import check_model
from spacy_genner.weights.consent import VARIABLE
from spacy_genner.weights.load import Base, device_of, dtype_of, load_base
from spacy_genner.weights.manifest import WeightsError, seal
from tests.conftest import FAMILIES
from tests.tiny_gguf import tiny_llama, vocabulary

IDS = torch.arange(3, 23)[None]
SETTINGS: dict[str, Any] = {
    "check": check_model,
    "revision": None,
    "dtype": torch.float32,
    "device": torch.device("cpu"),
    "attention": "sdpa",
    "trust_remote_code": False,
    "allow_pickle": False,
}


def load(name: str | Path, **changes: Any) -> Base:
    return load_base(str(name), **{**SETTINGS, **changes})


def logits(base: Base) -> torch.Tensor:
    with torch.inference_mode():
        return base.model(IDS).logits


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPACY_GENNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder(tiny: Callable[..., str], family: str) -> None:
    base = load(tiny(family))
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(tiny(family)).eval()(IDS).logits
    assert torch.equal(logits(base), expected)
    assert not base.model.training
    assert not any(weight.requires_grad for weight in base.model.parameters())
    assert (
        base.tokenizer("Essex").input_ids
        == AutoTokenizer.from_pretrained(tiny(family))("Essex").input_ids
    )


def test_a_folder_in_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert load("~/model").fingerprint == load(folder).fingerprint


def test_other_settings_need_another_base(tiny: Callable[..., str]) -> None:
    base = load(tiny("llama"))
    assert load(tiny("llama"), dtype=torch.bfloat16) is not base
    assert load(tiny("llama"), attention="eager").model.config._attn_implementation == "eager"
    assert load(tiny("qwen3")) is not base
    assert load(tiny("llama")) is base


def test_a_name_that_is_not_downloaded(cache: Path) -> None:
    advice = (
        "'smollm2-135m' are not on this machine: run `python -m spacy genner download smollm2-135m`"
    )
    with pytest.raises(ValueError, match=advice):
        load("smollm2-135m")


def test_a_name_that_is_downloaded(folder: Path, cache: Path) -> None:
    shutil.copytree(folder, cache / "smollm2-135m")
    base = load("smollm2-135m")
    assert base.origin == cache / "smollm2-135m"
    assert base.fingerprint == load(folder).fingerprint


def test_a_damaged_download_names_the_file(folder: Path, cache: Path) -> None:
    downloaded = Path(shutil.copytree(folder, cache / "smollm2-135m"))
    seal(downloaded, "tiny==1", "MIT")
    (downloaded / "model.safetensors").write_bytes(b"short")
    with pytest.raises(
        WeightsError, match=r"model\.safetensors missing or changed.*download smollm2-135m --force"
    ):
        load("smollm2-135m")


def test_a_local_folder_goes_before_a_downloaded_name(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rename(folder.with_name("smollm2-135m"))
    monkeypatch.chdir(folder.parent)
    assert load("smollm2-135m").origin == folder.with_name("smollm2-135m")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("*token*"):
        file.unlink()


def unknown_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "no-such-type"}))


def another_length(folder: Path) -> None:
    """That fails when the tokenizer is used, and not before."""
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "model_max_length": "x"}))


@pytest.mark.parametrize(
    "damage",
    [
        *[
            without_weights,
            truncated,
            without_config,
            without_tokenizer,
            unknown_architecture,
            shutil.rmtree,
        ],
        another_length,
    ],
)
def test_a_folder_that_cannot_be_used(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    with pytest.raises(ValueError, match="cannot be loaded") as raised:
        load(folder)
    assert str(folder) in str(raised.value)
    for advice in (
        "*.safetensors",
        "smollm2-135m",
        "genner download NAME",
        "Hugging Face hub",
        "allow_pickle = true",
    ):
        assert advice in str(raised.value)


def test_a_missing_tensor_is_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    lost = "model.layers.1.mlp.up_proj.weight"
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=rf"the weights {lost} \(1 in all\) are missing"):
        load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(folder: Path, value: float) -> None:
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    weights[name][3, 5] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=rf"model' cannot be loaded: its weights: {name} holds NaN or infinity"
    ):
        load(folder)


def test_threads_load_the_weights_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    read = AutoModelForCausalLM.from_pretrained

    def slow(name: str, *arguments: Any, **settings: Any) -> Any:
        calls.append(name)
        time.sleep(0.2)  # as long as others may come
        return read(name, *arguments, **settings)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", slow)
    with ThreadPoolExecutor(4) as pool:
        bases = list(pool.map(load, [folder] * 4))
    assert calls == [str(folder)] and len(set(map(id, bases))) == 1


def as_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def test_pickled_weights_are_refused(folder: Path) -> None:
    as_pickle(folder)
    with pytest.raises(
        ValueError, match=r"Weights in a \.bin file load with allow_pickle = true only"
    ):
        load(folder)


@pytest.fixture
def consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "pickle")


@pytest.mark.usefixtures("consent")
def test_pickled_weights_by_an_explicit_flag(folder: Path, tiny: Callable[..., str]) -> None:
    as_pickle(folder)
    assert load(folder, allow_pickle=True).fingerprint == load(tiny("llama")).fingerprint


class Evil:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@pytest.mark.usefixtures("consent")
def test_pickled_weights_run_no_code_even_so(folder: Path, tmp_path: Path) -> None:
    as_pickle(folder)
    torch.save({"model.norm.weight": Evil(tmp_path / "harm")}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load(folder, allow_pickle=True)
    assert not (tmp_path / "harm").exists()


@pytest.mark.usefixtures("consent")
def test_safetensors_may_be_loaded_with_the_flag(tiny: Callable[..., str]) -> None:
    assert load(tiny("llama"), allow_pickle=True).fingerprint == load(tiny("llama")).fingerprint


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_gguf_file(gguf_file: Path, dtype: torch.dtype) -> None:
    base = load(gguf_file, dtype=dtype)
    expected = tiny_llama(len(vocabulary()[0]))
    weights = dict(base.model.named_parameters())
    for name, weight in expected.named_parameters():
        assert weights[name].dtype == dtype
        assert torch.equal(weights[name].float(), weight), name
    assert (
        base.tokenizer.decode(base.tokenizer("the cat", add_special_tokens=False).input_ids)
        == "the cat"
    )
    assert (
        base.model.float().dtype == torch.float32
    )  # transformers 5 refuses this to a model that it calls quantised
    assert base.origin == gguf_file


def test_a_broken_gguf_file(gguf_file: Path) -> None:
    gguf_file.write_bytes(gguf_file.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"tiny\.gguf' cannot be loaded"):
        load(gguf_file)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta:x", ""])
def test_a_device_that_there_is_not(name: str) -> None:
    with pytest.raises(
        ValueError, match=f'device = "{name}" cannot be used .*choose "auto", "cpu", or "cuda:0"'
    ):
        device_of(name)


def test_devices() -> None:
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["float16", "half", "", "torch.float32"])
def test_a_type_that_there_is_not(name: str) -> None:
    with pytest.raises(
        ValueError, match=f'dtype = "{name}": choose "auto", "bfloat16" or "float32"'
    ):
        dtype_of(name, torch.device("cpu"))


def test_types(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert dtype_of("bfloat16", cpu) == torch.bfloat16
    assert dtype_of("float32", torch.device("cuda")) == torch.float32
    assert dtype_of("auto", torch.device("cuda")) == torch.bfloat16
    for fast, expected in ((False, torch.float32), (True, torch.bfloat16)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert dtype_of("auto", cpu) == expected
