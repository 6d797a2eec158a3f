"""A model in memory becomes a folder that both versions of transformers read to the same model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.weights.plain_folder import save_plain
from tests.conftest import FAMILIES

ROOT = Path(__file__).parent.parent.parent
TEXT = "Essex County Council said [sic]: 東京, $1,234.50\n\n"
IDS = torch.arange(3, 23)[None]
OTHER = {".venv": ".venv-tf4", ".venv-tf4": ".venv"}
"""The virtual environments of the Makefile, with transformers 5 and 4: each with the other one."""


def loaded(folder: str) -> tuple[Any, Any]:
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    return model, AutoTokenizer.from_pretrained(folder)


def plain(folder: str, new: Path, origin: Path) -> Path:
    new.mkdir()
    save_plain(*loaded(folder), origin, new)
    return new


def settings(folder: Path, name: str = "config.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_model_and_tokenizer(
    tiny: Callable[..., str], tmp_path: Path, family: str
) -> None:
    model, tokenizer = loaded(tiny(family))
    again, reread = loaded(str(plain(tiny(family), tmp_path / "new", Path(tiny(family)))))
    with torch.inference_mode():
        assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert reread(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]
    assert set(reread(TEXT)) == {"input_ids", "attention_mask"}  # what `generate` takes


@pytest.mark.parametrize("from_folder", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_settings_for_both_versions(
    tiny: Callable[..., str], tmp_path: Path, family: str, from_folder: bool
) -> None:
    """Also where the folder of the base has only those of one version, or is no longer there."""
    origin = Path(tiny(family)) if from_folder else tmp_path / "gone"
    folder = plain(tiny(family), tmp_path / "new", origin)
    config = settings(folder)
    assert config["rope_theta"] == (1_000_000.0 if family == "gemma3_text" else 10_000.0)
    assert config["torch_dtype"] == config["dtype"] == "float32"
    assert config["tie_word_embeddings"] is True
    assert config.get("rope_local_base_freq") == (10_000.0 if family == "gemma3_text" else None)
    assert "_name_or_path" not in config
    assert settings(folder, "tokenizer_config.json")["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_scaled_rotary_embeddings(tiny: Callable[..., str], tmp_path: Path) -> None:
    model, tokenizer = loaded(tiny())
    rope = {"rope_type": "linear", "factor": 4.0}
    if hasattr(model.config, "rope_theta"):  # transformers 4
        model.config.rope_scaling = rope
    else:
        model.config.rope_parameters = {**rope, "rope_theta": 500.0}
    folder = tmp_path / "new"
    folder.mkdir()
    save_plain(model, tokenizer, tmp_path / "gone", folder)
    assert settings(folder)["rope_scaling"] == rope


def test_the_settings_of_the_author_stay(tiny: Callable[..., str], tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    own = settings(Path(tiny())) | {"of_the_author": 1}
    (origin / "config.json").write_text(json.dumps(own))
    (origin / "LICENSE.txt").write_text("terms")
    sampling = '{"do_sample": false, "temperature": 0.6}'  # transformers refuses to write this
    (origin / "generation_config.json").write_text(sampling)
    (origin / "README.md").write_text("about the base")
    model, tokenizer = loaded(tiny())
    model.generation_config.temperature = 0.6
    folder = tmp_path / "new"
    folder.mkdir()
    save_plain(model, tokenizer, origin, folder)
    assert settings(folder)["of_the_author"] == 1
    assert (folder / "generation_config.json").read_text() == sampling
    assert (folder / "LICENSE.txt").read_text() == "terms"
    assert not (folder / "README.md").exists()


def test_embeddings_that_training_changed(tiny: Callable[..., str], tmp_path: Path) -> None:
    """More rows, and an output matrix of its own: as adapters from elsewhere may have them."""
    model, tokenizer = loaded(tiny())
    rows = len(tokenizer) + 3
    model.resize_token_embeddings(rows)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    folder = tmp_path / "new"
    folder.mkdir()
    save_plain(model, tokenizer, Path(tiny()), folder)
    assert settings(folder)["vocab_size"] == rows
    with torch.inference_mode():
        assert torch.equal(loaded(str(folder))[0](IDS).logits, model(IDS).logits)


def test_settings_that_are_read_as_others_are_refused(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    own = settings(Path(tiny())) | {"rms_norm_eps": 0.5}
    (origin / "config.json").write_text(json.dumps(own))
    with pytest.raises(ValueError, match="reads other settings"):
        plain(tiny(), tmp_path / "new", origin)


READ = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
ids = AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2])["input_ids"]
with torch.inference_mode():
    torch.save((ids, model(torch.arange(3, 23)[None]).logits), sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_other_version_reads_the_same(
    tiny: Callable[..., str], tmp_path: Path, family: str
) -> None:
    python = ROOT / OTHER.get(Path(sys.prefix).name, "none") / "bin" / "python"
    if not python.exists():
        pytest.skip("needs the virtual environments of both stacks")
    model, tokenizer = loaded(tiny(family))
    folder = plain(tiny(family), tmp_path / "new", Path(tiny(family)))
    subprocess.run([python, "-c", READ, folder, TEXT, tmp_path / "read.pt"], check=True)
    ids, logits = torch.load(tmp_path / "read.pt")
    assert ids == tokenizer(TEXT)["input_ids"]
    with torch.inference_mode():
        assert torch.allclose(logits, model(IDS).logits, atol=1e-5)
