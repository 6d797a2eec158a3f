"""A language model as a whole: built late, saved without its base or with it, copied on the same
base."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from spacy_genner.lm.causal import CausalLM
from spacy_genner.weights.tuning import FullTuning, LoRA, Tuning
from tests.conftest import FAMILIES
from tests.tiny_gguf import tiny_llama, vocabulary, write_gguf

IDS = torch.arange(3, 23)[None]
TUNINGS: dict[str, Tuning] = {"lora": LoRA(r=4), "full": FullTuning()}
tunings = pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)


def shaken(lm: CausalLM, seed: int = 1) -> CausalLM:
    """A language model that has been trained, so to speak."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in lm.model.parameters():
            if weight.requires_grad:
                weight += torch.randn_like(weight) * 0.1
    lm.changed()
    return lm


def decoded(lm: CausalLM) -> torch.Tensor:
    """What the merged weights say."""
    return lm.steps.session((3, 4), 1).extend([[5, 6, 7]])


def saved(lm: CausalLM, folder: Path) -> Path:
    folder.mkdir()
    lm.save(folder)
    return folder


@pytest.fixture
def own(tiny: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """`own(family, tokenizer)`: a copy of a tiny model that may be removed."""

    def make(family: str = "llama", tokenizer: str = "bpe") -> str:
        return str(shutil.copytree(tiny(family, tokenizer), tmp_path / f"{family}-{tokenizer}"))

    return make


def lm_on(name: str, **settings: Any) -> CausalLM:
    return CausalLM(name, **{"dtype": "float32", "device": "cpu", **settings})


def test_nothing_is_loaded_before_it_is_needed() -> None:
    lm = lm_on("/no/such/folder")
    with pytest.raises(ValueError, match="cannot be loaded"):
        _ = lm.base


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"dtype": "int8"}, 'dtype = "int8": choose'),
        ({"device": "tpu"}, 'device = "tpu" cannot be used'),
        (
            {"attention": "flash_attention_2"},
            'attention = "flash_attention_2" takes no mask with holes: choose "sdpa"',
        ),
    ],
)
def test_wrong_settings_are_told_at_once(setting: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CausalLM("/no/such/folder", **setting)


def test_a_model_that_cannot_be_read_in_chunks_is_refused(own: Callable[..., str]) -> None:
    folder = Path(own())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "layer_types": ["linear_attention"] * 2})
    )
    with pytest.raises(ValueError, match=r"linear_attention|cannot be loaded"):
        _ = lm_on(str(folder)).base


@pytest.mark.parametrize("family", FAMILIES)
def test_training_and_decoding_see_the_same(tiny_lm: Callable[..., Any], family: str) -> None:
    lm = tiny_lm(family)
    lm.base = replace(lm.base, model=copy.deepcopy(lm.base.model))  # other tests have the same one
    shaken(lm)
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.copy_(weight.bfloat16())
        trained = lm.hidden([(3, 4)], [[5, 6, 7]])[0]
    torch.testing.assert_close(trained, decoded(lm)[0], atol=2e-4, rtol=1e-4)
    choices = [[5, 6, 7]] * 3
    with torch.no_grad():
        torch.testing.assert_close(
            lm.head.choice_logits(trained, choices),
            lm.steps.head.choice_logits(trained, choices),
            atol=1e-4,
            rtol=1e-4,
        )


def test_decoding_follows_training(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    steps = lm.steps
    assert lm.steps is steps, "merged once, not at every call"
    before = decoded(lm)
    shaken(lm)
    assert lm.steps is not steps
    assert not torch.equal(decoded(lm), before)


def test_reset_begins_again_on_the_same_base(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    base, fresh = lm.base, decoded(lm)
    shaken(lm)
    lm.reset()
    assert lm.base is base
    assert torch.equal(decoded(lm), fresh)


@tunings
@pytest.mark.parametrize("family", ["llama", "gemma3_text"])
def test_saving_and_restoring(
    tiny_lm: Callable[..., Any], family: str, tuning: Tuning, tmp_path: Path
) -> None:
    lm = shaken(tiny_lm(family, tuning=tuning))
    folder = saved(lm, tmp_path / "saved")
    assert not (folder / "base").exists()
    other = tiny_lm(family, tuning=tuning)
    untrained = decoded(other)
    other.restore(folder)
    assert torch.equal(decoded(other), decoded(lm))
    assert not torch.equal(decoded(other), untrained)


def test_what_identifies_the_base_is_saved(tiny_lm: Callable[..., Any], tmp_path: Path) -> None:
    lm = tiny_lm(revision="main")
    identity = json.loads((saved(lm, tmp_path / "saved") / "base.json").read_text())
    assert identity == {
        "name": lm.name,
        "revision": "main",
        "fingerprint": lm.base.fingerprint,
        "tokenizer_hash": lm.base.tokenizer_hash,
    }


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (("qwen3", "bpe"), "has another fingerprint: get the same base weights, or train again"),
        (("qwen3", "spm"), "has another fingerprint and another tokenizer_hash: get"),
    ],
)
def test_another_base_is_refused(
    tiny_lm: Callable[..., Any], tmp_path: Path, other: tuple[str, str], reason: str
) -> None:
    lm = tiny_lm()
    folder = saved(lm, tmp_path / "saved")
    with pytest.raises(ValueError, match=reason) as raised:
        tiny_lm(*other).restore(folder)
    assert lm.name in str(raised.value)
    assert tiny_lm(*other).name in str(raised.value)


def test_another_tokenizer_is_refused(
    own: Callable[..., str], tiny_lm: Callable[..., Any], tmp_path: Path
) -> None:
    folder = saved(tiny_lm(), tmp_path / "saved")
    changed = Path(own())
    tokenizer = json.loads((changed / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = []
    (changed / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ValueError, match="has another tokenizer_hash: get the same base weights"):
        lm_on(str(changed)).restore(folder)


@pytest.mark.parametrize("content", [None, "", "{", "\xff"])
def test_a_missing_or_broken_identity(
    tiny_lm: Callable[..., Any], tmp_path: Path, content: str | None
) -> None:
    folder = saved(tiny_lm(), tmp_path / "saved")
    (folder / "base.json").unlink()
    if content is not None:
        (folder / "base.json").write_text(content, encoding="latin1")
    with pytest.raises(
        ValueError, match=r"base\.json cannot be read .*copy or train the pipeline again"
    ):
        tiny_lm().restore(folder)


def test_other_tuning_settings_are_refused(tiny_lm: Callable[..., Any], tmp_path: Path) -> None:
    folder = saved(tiny_lm(tuning=LoRA(r=4)), tmp_path / "saved")
    with pytest.raises(ValueError, match=r"has r = 4, but \[tuning\] has r = 8: give the settings"):
        tiny_lm(tuning=LoRA(r=8)).restore(folder)


@tunings
@pytest.mark.parametrize(("family", "tokenizer"), [("llama", "spm"), ("gemma3_text", "bpe")])
def test_a_bundled_base_needs_no_other(
    own: Callable[..., str], family: str, tokenizer: str, tuning: Tuning, tmp_path: Path
) -> None:
    name = own(family, tokenizer)
    lm = shaken(lm_on(name, tuning=tuning, bundle_base=True))
    folder = saved(lm, tmp_path / "saved")
    expected, encoded = decoded(lm), lm.pieces.encode("Essex [County]")
    shutil.rmtree(name)
    del lm
    gc.collect()
    other = lm_on(name, tuning=tuning, bundle_base=True)
    other.restore(folder)
    assert torch.equal(decoded(other), expected)
    assert other.pieces.encode("Essex [County]") == encoded
    again = saved(other, tmp_path / "again")  # and can be bundled once more
    third = lm_on(name, tuning=tuning)
    third.restore(again)
    assert torch.equal(decoded(third), expected)


def test_a_bundled_base_goes_before_the_named_one(own: Callable[..., str], tmp_path: Path) -> None:
    lm = shaken(lm_on(own("llama", "bpe"), bundle_base=True))
    folder = saved(lm, tmp_path / "saved")
    other = lm_on(own("qwen3", "spm"))
    other.pieces.encode("Essex")
    other.restore(folder)
    assert torch.equal(decoded(other), decoded(lm))
    assert other.pieces.encode("Essex County") == lm.pieces.encode("Essex County")


def test_a_bundled_base_that_is_gone_after_loading(own: Callable[..., str], tmp_path: Path) -> None:
    """As after `from_bytes`, which unpacks into a temporary folder."""
    lm = shaken(lm_on(own(), bundle_base=True))
    folder = saved(lm, tmp_path / "saved")
    shutil.rmtree(lm.name)
    other = lm_on(lm.name, bundle_base=True)
    other.restore(folder)
    shutil.rmtree(folder)
    assert torch.equal(decoded(other), decoded(lm))
    third = lm_on(lm.name)
    third.restore(saved(other, tmp_path / "again"))
    assert torch.equal(decoded(third), decoded(lm))
    other.reset()
    assert not torch.equal(decoded(other), decoded(lm))


def test_a_bundled_gguf_file(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", tiny_llama(len(vocabulary()[0])))
    lm = shaken(lm_on(str(tmp_path / "tiny.gguf"), bundle_base=True))
    folder = saved(lm, tmp_path / "saved")
    (tmp_path / "tiny.gguf").unlink()
    other = lm_on("tiny.gguf")
    other.restore(folder)
    assert torch.equal(decoded(other), decoded(lm))


def test_a_bundle_of_another_base_is_refused(
    tiny_lm: Callable[..., Any], own: Callable[..., str], tmp_path: Path
) -> None:
    folder = saved(tiny_lm(bundle_base=True), tmp_path / "saved")
    shutil.rmtree(folder / "base")
    shutil.copytree(own("qwen3"), folder / "base")
    with pytest.raises(ValueError, match="another fingerprint"):
        tiny_lm().restore(folder)


@tunings
def test_a_deep_copy_shares_the_base_and_nothing_that_is_trained(
    tiny_lm: Callable[..., Any], tuning: Tuning
) -> None:
    lm = shaken(tiny_lm(tuning=tuning))
    expected = decoded(lm)
    other = copy.deepcopy(lm)
    assert other.base is lm.base
    assert torch.equal(decoded(other), expected)
    mine = {weight.data_ptr() for weight in lm.model.parameters() if weight.requires_grad}
    assert all(
        weight.data_ptr() not in mine for weight in other.model.parameters() if weight.requires_grad
    )
    assert sum(weight.requires_grad for weight in other.model.parameters()) == len(mine)
    base = {weight.data_ptr() for weight in lm.base.model.parameters()}
    assert all(
        weight.data_ptr() in base for weight in other.model.parameters() if not weight.requires_grad
    )
    shaken(other, seed=2)
    assert not torch.equal(decoded(other), expected)
    assert torch.equal(decoded(lm), expected)


def test_a_deep_copy_of_what_is_not_loaded(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    other = copy.deepcopy(lm)
    assert "base" not in other.__dict__
    assert torch.equal(decoded(other), decoded(lm))
    assert other.base is lm.base


def test_deep_copies_within_one_object_are_one(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    one, two = copy.deepcopy([lm, lm])
    assert one is two
    assert one is not lm


@tunings
def test_pickling(tiny_lm: Callable[..., Any], tuning: Tuning) -> None:
    lm = shaken(tiny_lm(tuning=tuning))
    expected = decoded(lm)
    data = pickle.dumps(lm)
    weights = sum(
        weight.numel() * 4 for weight in {**dict(lm.model.named_parameters()), "": IDS}.values()
    )
    assert len(data) < 3 * weights + 500_000, "merged weights are rebuilt where they are needed"
    other = pickle.loads(data)
    assert torch.equal(decoded(other), expected)
    assert other.pieces.encode("Essex") == lm.pieces.encode("Essex")
    shaken(other, seed=2)
    assert torch.equal(decoded(lm), expected)


def test_pickling_what_is_not_loaded() -> None:
    lm = pickle.loads(
        pickle.dumps(lm_on("smollm2-135m", tuning=LoRA(r=3, target_modules=["q_proj"])))
    )
    assert (lm.name, lm.tuning) == ("smollm2-135m", LoRA(r=3, target_modules=["q_proj"]))


def test_a_language_model_is_freed(tiny_lm: Callable[..., Any]) -> None:
    lm = shaken(tiny_lm())
    decoded(lm)
    lm.hidden([(3,)], [[4]])[0].sum().backward()
    weights = [weakref.ref(weight) for weight in lm.model.parameters() if weight.requires_grad]
    merged = weakref.ref(lm.steps.model)
    del lm
    gc.collect()
    assert merged() is None
    assert not any(weight() is not None for weight in weights)
