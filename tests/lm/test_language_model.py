"""What every language model does in training, causal or encoder–decoder."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import shutil
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.draft_head import DraftHead
from spacy_genner.weights.tuning import LoRA
from tests.conftest import FAMILIES
from tests.lm.test_causal import TUNINGS, lm_on, shaken
from tests.lm.test_seq2seq import BODIES, PREFIX
from tests.tiny_t5 import KINDS


def trained_once(lm: Any) -> tuple[dict[str, torch.Tensor], list[int]]:
    """The gradients of some losses, and how often each feed-forward layer was begun for them."""
    layers = [
        module
        for module in shaken(lm).model.modules()
        if hasattr(module, "act") or hasattr(module, "act_fn")
    ]
    times = Counter(dict.fromkeys(layers, 0))
    for layer in layers:
        layer.register_forward_pre_hook(lambda layer, _: times.update([layer]))
    lm.model.train()
    torch.manual_seed(0)  # of dropout
    sum(states[:, 0].sum() for states in lm.hidden([PREFIX] * 3, BODIES)).backward()
    gradients = {
        name: weight.grad for name, weight in lm.model.named_parameters() if weight.grad is not None
    }
    return gradients, list(times.values())


@pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)
@pytest.mark.parametrize("kind", [*FAMILIES, *KINDS])
def test_gradient_checkpointing(
    tiny_lm: Callable[..., Any], tiny_seq2seq: Callable[..., Any], kind: str, tuning: Any
) -> None:
    of = tiny_lm if kind in FAMILIES else tiny_seq2seq
    expected, once = trained_once(of(kind, tuning=tuning))
    gradients, twice = trained_once(of(kind, tuning=tuning, gradient_checkpointing=True))
    assert set(once) == {1}
    assert set(twice) == {2}
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradient,
            expected[name],
            atol=1e-4,
            rtol=1e-3,
            msg=lambda text, name=name: f"{name}: {text}",
        )


def test_gradient_checkpointing_is_for_one_pipe_only(tiny_lm: Callable[..., Any]) -> None:
    checkpointed, other = tiny_lm(gradient_checkpointing=True), tiny_lm()
    assert checkpointed.base is other.base
    assert set(trained_once(checkpointed)[1]) == {2}
    assert set(trained_once(other)[1]) == {1}


def test_a_copy_or_pickle_is_checkpointed_too(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm(gradient_checkpointing=True)
    _ = lm.model
    for other in (copy.deepcopy(lm), pickle.loads(pickle.dumps(lm))):
        assert set(trained_once(other)[1]) == {2}


@pytest.fixture
def saved(tiny_lm: Callable[..., Any], tmp_path: Path) -> Path:
    """A folder with an adapter of its own, a draft head and the base."""
    lm = shaken(tiny_lm(bundle_base=True))
    lm.draft_head = DraftHead(32, 2, [()], copies_first=False)
    folder = tmp_path / "saved"
    folder.mkdir()
    lm.save(folder)
    return folder


def another_fingerprint(folder: Path) -> None:
    identity = json.loads((folder / "base.json").read_text())
    (folder / "base.json").write_text(json.dumps({**identity, "fingerprint": "0" * 64}))


def a_head_of_another_width(folder: Path) -> None:
    DraftHead(16, 2, [()], copies_first=False).save(folder / "draft_head.safetensors")


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "no identity": lambda folder: (folder / "base.json").unlink(),
    "another fingerprint": another_fingerprint,
    "no adapter": lambda folder: (folder / "adapter_model.safetensors").unlink(),
    "no settings of the adapter": lambda folder: (folder / "adapter_config.json").unlink(),
    "another draft head": a_head_of_another_width,
    "no weights of the base": lambda folder: (folder / "base" / "model.safetensors").unlink(),
}
"""What makes a folder useless, earlier or later while it is read."""


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_folder_that_cannot_be_read_changes_nothing(
    tiny_lm: Callable[..., Any], saved: Path, damage: Callable[[Path], Any]
) -> None:
    lm = shaken(tiny_lm("qwen3", "spm"))
    lm.draft_head = DraftHead(32, 2, [()], copies_first=True)
    model, steps, pieces, head = lm.model, lm.steps, lm.pieces, lm.draft_head
    damage(saved)
    with pytest.raises(ValueError):
        lm.restore(saved)
    assert (lm.model, lm.steps, lm.pieces, lm.draft_head) == (model, steps, pieces, head)
    assert lm.base is tiny_lm("qwen3", "spm").base


def test_a_folder_that_can_be_read_changes_everything(
    tiny_lm: Callable[..., Any], saved: Path
) -> None:
    lm = shaken(tiny_lm("qwen3", "spm"))
    before = (lm.model, lm.steps, lm.pieces, lm.base)
    lm.restore(saved)
    assert not {*map(id, (lm.model, lm.steps, lm.pieces, lm.base))} & {*map(id, before)}
    assert lm.draft_head.layer == 2 and lm.base.model.config.model_type == "llama"


def test_a_reset_that_fails_changes_nothing(
    tiny_lm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lm = shaken(tiny_lm())
    model, steps = lm.model, lm.steps

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(LoRA, "attach", fail)
    with pytest.raises(torch.OutOfMemoryError):
        lm.reset()
    assert (lm.model, lm.steps) == (model, steps)


@pytest.mark.parametrize(
    "content",
    [[], "text", None, {}, {"fingerprint": "x"}, {"fingerprint": "x", "tokenizer_hash": 3}],
    ids=str,
)
def test_an_identity_of_something_else(
    tiny_lm: Callable[..., Any], saved: Path, content: Any
) -> None:
    (saved / "base.json").write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"base\.json cannot be read \(expected .*copy or train the pipeline again"
    ):
        tiny_lm().restore(saved)


def test_two_language_models_share_one_base(tiny: Callable[..., str]) -> None:
    settings: dict[str, Any] = {"dtype": "float32", "device": "cpu"}
    one, two = (CausalLM(tiny("llama"), **settings) for _ in range(2))
    assert one.base is two.base
    assert one.model is not two.model
    own = {weight.data_ptr() for weight in one.base.model.parameters()}
    for lm in (one, two):
        assert all(w.data_ptr() in own for n, w in lm.model.named_parameters() if "lora" not in n)


def test_a_base_is_freed_when_nobody_needs_it(folder: Path) -> None:
    one, two = (CausalLM(str(folder), dtype="float32", device="cpu") for _ in range(2))
    assert one.steps is not two.steps
    base, weight = weakref.ref(one.base), weakref.ref(one.base.model.model.norm.weight)
    del one
    gc.collect()
    assert base() is two.base
    del two
    gc.collect()
    assert base() is None
    assert weight() is None


def contents(folder: Path) -> dict[str, bytes]:
    """What the files of a folder hold, by their names."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


FROM_THE_HUB = """
import sys
from pathlib import Path
from spacy_genner.lm.causal import CausalLM

lm = CausalLM("someone/tiny", revision=sys.argv[1], dtype="float32", device="cpu", bundle_base=True)
print(lm.base.fingerprint)
lm.save(Path(sys.argv[2]))
try:
    CausalLM("someone/another", dtype="float32", device="cpu").base
except ValueError as error:
    print(error)
"""


def test_a_model_from_the_hub(tiny: Callable[..., str], tmp_path: Path) -> None:
    """As it lies in the cache of the hub, since tests have no network: links to files with other
    names."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--someone--tiny"
    snapshot = repository / "snapshots" / commit
    for part in (snapshot, repository / "blobs", repository / "refs"):
        part.mkdir(parents=True)
    (repository / "refs" / "stable").write_text(commit)
    for file in Path(tiny("granite")).iterdir():
        shutil.copy(file, repository / "blobs" / f"blob-{file.name}")
        (snapshot / file.name).symlink_to(Path("../../blobs") / f"blob-{file.name}")
    out = tmp_path / "out"
    out.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", FROM_THE_HUB, "stable", str(out)],
        env={
            **os.environ,
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    fingerprint, error = found.stdout.split("\n", 1)
    assert fingerprint == lm_on(tiny("granite")).base.fingerprint
    assert "the language model 'someone/another' cannot be loaded" in error
    assert "the hub must be reachable, and the name and the revision must be right" in error
    assert contents(out / "base") == contents(Path(tiny("granite")))
    assert not any(file.is_symlink() for file in (out / "base").iterdir())
