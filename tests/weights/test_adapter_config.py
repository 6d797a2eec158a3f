"""The settings of adapters: read, honoured, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.weights.adapter_config import METHODS, REFUSED, changes_base, read_config

LORA = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "target_modules": ["q_proj"]}


def read(folder: Path, **settings: Any) -> Any:
    (folder / "adapter_config.json").write_text(json.dumps({**LORA, **settings}))
    return read_config(folder)


def test_the_settings(tmp_path: Path) -> None:
    config = read(tmp_path, lora_alpha=128, use_rslora=True, inference_mode=True)
    assert (config.r, config.lora_alpha, config.use_rslora) == (4, 128, True)
    assert not config.inference_mode, "training goes on"


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"adapter_config\.json: {name} cannot be honoured, as "):
        read(tmp_path, **{name: [1]})
    read(tmp_path, **{name: None})


@pytest.mark.parametrize("start", ["pissa_niter_16", "corda", "loftq", "lora_ga", "news"])
def test_beginnings_that_cannot_be_repeated(start: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"init_lora_weights = '{start}' has changed the weights"):
        read(tmp_path, init_lora_weights=start)


@pytest.mark.parametrize("start", [True, False, "eva", "gaussian", "orthogonal"])
def test_beginnings_that_leave_the_base_alone(start: bool | str, tmp_path: Path) -> None:
    assert not changes_base(read(tmp_path, init_lora_weights=start))


@pytest.mark.parametrize("start", ["pissa", "olora"])
def test_beginnings_that_change_the_base(start: str, tmp_path: Path) -> None:
    config = read(tmp_path, init_lora_weights=start)
    assert changes_base(config)
    assert config.init_lora_weights == start


@pytest.mark.parametrize("method", ["PROMPT_TUNING", "PREFIX_TUNING", "XLORA", "POLY", "NEW", None])
def test_methods_that_cannot_be_merged(method: str | None, tmp_path: Path) -> None:
    assert method not in METHODS
    with pytest.raises(ValueError, match=rf"an adapter of the type {method!r} cannot be used"):
        read(tmp_path, peft_type=method)


def test_settings_of_a_newer_peft(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the installed PEFT does not know use_tomorrow"):
        read(tmp_path, use_tomorrow=True)
    read(tmp_path, use_tomorrow=False)


def test_another_task(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the adapter was trained for TOKEN_CLS, and not to write"):
        read(tmp_path, task_type="TOKEN_CLS")
