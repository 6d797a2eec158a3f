"""A pipeline's own configuration is not enough to run code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from spacy_genner.lm.causal import CausalLM
from spacy_genner.weights.consent import VARIABLE, check_consent
from tests.weights.test_load import as_pickle, load

CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

Path({harm!r}).touch()

class OwnConfig(LlamaConfig):
    model_type = "own"

class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig

class OwnTokenizer(PreTrainedTokenizerFast):
    pass
"""


@pytest.mark.parametrize("allowed", ["", "code", "remote_code,pickle", " pickle , remote_code "])
def test_what_is_not_asked_for_needs_no_consent(
    monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    monkeypatch.setenv(VARIABLE, allowed)
    check_consent(trust_remote_code=False, allow_pickle=False)


@pytest.mark.parametrize(
    ("asked", "allowed", "message"),
    [
        (
            (True, False),
            None,
            r"trust_remote_code = true in .* set SPACY_GENNER_ALLOW=remote_code in the environment",
        ),
        ((True, False), "pickle", "SPACY_GENNER_ALLOW=remote_code in"),
        ((True, False), "remote", "SPACY_GENNER_ALLOW=remote_code in"),
        (
            (False, True),
            "remote_code",
            "allow_pickle = true in .* set SPACY_GENNER_ALLOW=pickle in",
        ),
        (
            (True, True),
            "pickle",
            "trust_remote_code = true and allow_pickle = true .*_ALLOW=remote_code,pickle in",
        ),
    ],
)
def test_what_is_asked_for_needs_consent(
    monkeypatch: pytest.MonkeyPatch, asked: tuple[bool, bool], allowed: str | None, message: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if allowed is not None:
        monkeypatch.setenv(VARIABLE, allowed)
    with pytest.raises(ValueError, match=message):
        check_consent(*asked)
    monkeypatch.setenv(VARIABLE, "remote_code, pickle")
    check_consent(*asked)


def with_code(folder: Path, part: str) -> Path:
    """Let a model bring its own code, in its configuration or for its tokenizer. Returns: what the
    code would leave."""
    harm = folder.parent / "harm"
    (folder / "own.py").write_text(CODE.format(harm=str(harm)))
    file = folder / ("config.json" if part == "model" else "tokenizer_config.json")
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    changes = {"model_type": "own", "auto_map": own} if part == "model" else {}
    if part == "tokenizer":
        changes = {
            "tokenizer_class": "OwnTokenizer",
            "auto_map": {"AutoTokenizer": [None, "own.OwnTokenizer"]},
        }
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return harm


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """transformers copies such code into a folder of its own."""
    monkeypatch.setattr(
        "transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules")
    )


@pytest.mark.parametrize("part", ["model", "tokenizer"])
@pytest.mark.parametrize(
    ("asked", "allowed"), [(True, ""), (True, "pickle"), (False, "remote_code")]
)
def test_code_runs_only_if_both_want_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, asked: bool, allowed: str
) -> None:
    monkeypatch.setenv(VARIABLE, allowed)
    harm = with_code(folder, part)
    with pytest.raises(
        ValueError, match="SPACY_GENNER_ALLOW=remote_code" if asked else "cannot be loaded"
    ):
        _ = CausalLM(str(folder), dtype="float32", device="cpu", trust_remote_code=asked).base
    assert not harm.exists()


@pytest.mark.parametrize("part", ["model", "tokenizer"])
def test_with_the_consent_of_both_it_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tiny: Callable[..., str], part: str
) -> None:
    monkeypatch.setenv(VARIABLE, "remote_code")
    harm = with_code(folder, part)
    base = load(folder, trust_remote_code=True)
    assert harm.exists()
    assert base.tokenizer_hash == load(tiny()).tokenizer_hash


def test_pickled_weights_need_consent_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_pickle(folder)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ValueError, match="SPACY_GENNER_ALLOW=pickle in the environment"):
        load(folder, allow_pickle=True)
