"""What a foreign folder may ask transformers for, and does not get."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from spacy_genner.weights.tuning import LoRA
from tests.weights.test_load import load


def configure(folder: Path, **settings: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def test_an_adapter_does_not_lead_to_another_base(folder: Path, tiny: Callable[..., str]) -> None:
    tuning = LoRA(r=2)
    tuning.save(tuning.attach(AutoModelForCausalLM.from_pretrained(tiny("llama"))), folder)
    with pytest.raises(
        ValueError,
        match=r"it is an adapter \(adapter_config\.json\), and not a base: give it as `adapter`",
    ):
        load(folder)


@pytest.mark.parametrize(
    "name", ["adapter_model.bin", "{elsewhere}/model.safetensors", "other.safetensors"]
)
def test_weights_have_their_usual_name(folder: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    torch.save(load_file(folder / "model.safetensors"), folder / "adapter_model.bin")
    for place in (elsewhere / "model.safetensors", folder / "other.safetensors"):
        shutil.copy(folder / "model.safetensors", place)
    configure(folder, transformers_weights=name.format(elsewhere=elsewhere))
    with pytest.raises(
        ValueError,
        match=r"config\.json names '.*' as the file of weights: call it model\.safetensors",
    ):
        load(folder)


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize(
    "kernel", ["someone/kernel", "someone/kernel:attention", "flash_attention_2"]
)
def test_attention_is_never_that_of_the_file(
    folder: Path, tiny_t5: Callable[..., str], tmp_path: Path, key: str, kernel: str
) -> None:
    """Not even where the file alone would decide: T5 is loaded with the best that it has."""
    encoder_decoder = Path(shutil.copytree(tiny_t5(), tmp_path / "t5"))
    for place, kind in ((folder, False), (encoder_decoder, True)):
        configure(place, **{key: kernel})
        found = load(place, encoder_decoder=kind).model.config._attn_implementation
        assert found in ("sdpa", "eager")


@pytest.mark.parametrize("name", ["weights.bin", "../elsewhere.safetensors", "a/b.safetensors"])
def test_an_index_leads_to_safetensors_beside_it_alone(folder: Path, name: str) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    torch.save(weights, place) if name.endswith("bin") else save_file(
        weights, place, {"format": "pt"}
    )
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, name)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"names '.*', which is not a safetensors file beside it"):
        load(folder)
