"""torch behind thinc: what a step does, what is refused, and that the model survives saving,
copying and forking."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from thinc.api import SGD, Adam, Optimizer, RAdam

from spacy_genner.decoding.moves import Decision
from spacy_genner.files.saved import pack_parts, unpack_parts
from spacy_genner.lm.causal import CausalLM
from spacy_genner.models.losses import LOSSES, LossShim, Target
from spacy_genner.weights.tuning import FullTuning, LoRA

BATCH = [
    Target((3, 4), [5, 6, 7], [8, 9, 10, 2], [Decision(0, [8, 20], 0), Decision(2, [21, 10], 1)]),
    Target((3, 4), [11], [12, 13], [Decision(1, [13, 30, 31], 0)]),
    Target((3, 4), [14, 15], [16, 17, 18, 19, 20, 2], [Decision(5, [2, 30], 0)]),
    Target((3, 4), [5, 6], [2], []),
]


@pytest.fixture
def shim(tiny_lm: Callable[..., Any]) -> Callable[..., LossShim]:
    """`shim(loss, **settings)`: on the same tiny model with the same trained weights at every
    call."""

    def make(loss: str = "tokens", **settings: Any) -> LossShim:
        lm = tiny_lm(**{"tuning": LoRA(r=4), **settings})
        torch.manual_seed(0)
        with torch.no_grad():
            for weight in trained(lm).values():
                weight.copy_(torch.randn_like(weight).bfloat16() * 0.25)
        return LossShim(lm, LOSSES[loss])

    return make


def trained(lm: Any) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in lm.model.named_parameters() if weight.requires_grad}


def values(shim: LossShim) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trained(shim.lm).items()}


def ask(shim: LossShim, targets: list[Target], scale: float = 1.0) -> np.ndarray:
    """The losses, with the gradient of their sum asked for."""
    losses, backprop = shim.begin_update(targets)
    backprop(np.full_like(losses, scale))
    return np.asarray(losses)


def plain(learn_rate: Any = 1.0, **settings: Any) -> Optimizer:
    """An Adam that is gradient descent: no memory, and an eps that outweighs the second moment."""
    big = 1e8
    rate = learn_rate * big if isinstance(learn_rate, float) else (one * big for one in learn_rate)
    options = {"beta1": 1e-9, "beta2": 1e-9, "eps": big, "grad_clip": 0.0, "use_averages": False}
    return Adam(rate, **{**options, **settings})


def gradient(shim: LossShim, targets: list[Target]) -> dict[str, torch.Tensor]:
    """The mean gradient over all parts of the targets: what a step of size 1 subtracts."""
    before = values(shim)
    ask(shim, targets)
    shim.finish_update(plain())
    after = values(shim)
    return {name: before[name] - after[name] for name in before}


def norm(tensors: Iterable[torch.Tensor]) -> float:
    return torch.cat([tensor.flatten() for tensor in tensors]).norm().item()


def decoded(shim: LossShim) -> torch.Tensor:
    return shim.local.steps.session((3, 4), 1).extend([[5, 6, 7]])  # type: ignore[attr-defined]


def assert_same(
    found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], tolerance: float = 1e-5
) -> None:
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(
            found[name],
            expected[name],
            atol=tolerance,
            rtol=1e-3,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize("loss", LOSSES)
def test_one_loss_a_target(shim: Callable[..., LossShim], loss: str) -> None:
    losses, _ = shim(loss).begin_update(BATCH)
    assert isinstance(losses, np.ndarray)
    assert losses.dtype == np.float32
    assert losses.shape == (4,)
    alone = [shim(loss).begin_update([target])[0][0] for target in BATCH]
    assert losses.tolist() == pytest.approx(alone, rel=1e-4)
    assert (losses[3] == 0) == (loss == "decisions")


def waiting(shim: LossShim) -> float:
    """How many parts have a gradient that waits for the next step."""
    return shim._targets


def test_an_empty_batch(shim: Callable[..., LossShim]) -> None:
    made = shim()
    assert ask(made, []).shape == (0,)
    made.finish_update(plain())
    assert not waiting(made)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_step_is_the_mean_over_all_parts(shim: Callable[..., LossShim], loss: str) -> None:
    made = shim(loss)
    lm = made.lm
    states = lm.hidden([(3, 4)] * len(BATCH), [target.prompt + target.answer for target in BATCH])
    parts = [
        LOSSES[loss](lm.head, hidden, target) for hidden, target in zip(states, BATCH, strict=True)
    ]
    mean = torch.stack([part for part, _ in parts]).sum() / sum(count for _, count in parts)
    expected = dict(zip(trained(lm), torch.autograd.grad(mean, trained(lm).values()), strict=True))
    assert norm(expected.values()) > 0
    assert_same(gradient(made, BATCH), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_targets_of_several_prefixes_are_as_if_alone(
    shim: Callable[..., LossShim], loss: str
) -> None:
    mixed = [
        replace(target, prefix=prefix)
        for target, prefix in zip(BATCH, [(3, 4), (5,), (3, 4), ()], strict=True)
    ]
    losses, _ = shim(loss).begin_update(mixed)
    assert losses.tolist() == pytest.approx(
        [shim(loss).begin_update([target])[0][0] for target in mixed], rel=1e-4
    )
    whole, parts = shim(loss), shim(loss)
    before = values(parts)
    for target in mixed:
        ask(parts, [target])
    parts.finish_update(plain())
    expected = {name: before[name] - after for name, after in values(parts).items()}
    assert_same(gradient(whole, mixed), expected, tolerance=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("parts", [[1, 1, 1, 1], [2, 2], [1, 3], [3, 1]])
def test_accumulating_changes_nothing(
    shim: Callable[..., LossShim], loss: str, parts: list[int]
) -> None:
    whole, pieces = shim(loss), shim(loss)
    optimizers = [plain(0.05, grad_clip=5.0, L2=0.1, L2_is_weight_decay=False) for _ in range(2)]
    for _ in range(3):
        ask(whole, BATCH)
        whole.finish_update(optimizers[0])
        for end in np.cumsum(parts):
            assert bool(waiting(pieces)) == (end != parts[0])
            ask(pieces, BATCH[:end][-parts[list(np.cumsum(parts)).index(end)] :])
        assert waiting(pieces)
        pieces.finish_update(optimizers[1])
        assert not waiting(pieces)
    assert_same(values(pieces), values(whole), tolerance=1e-4)


def test_the_gradient_of_the_losses_is_used(shim: Callable[..., LossShim]) -> None:
    one, two, none = shim(), shim(), shim()
    expected = gradient(one, BATCH)
    before = values(two)
    ask(two, BATCH, scale=2.0)
    two.finish_update(plain())
    after = values(two)
    assert_same({name: (before[name] - after[name]) / 2 for name in before}, expected)
    before = values(none)
    ask(none, BATCH, scale=0.0)
    none.finish_update(plain())
    assert_same(values(none), before, tolerance=0)


def test_steps_are_those_of_thincs_adam(shim: Callable[..., LossShim]) -> None:
    settings: dict[str, Any] = {
        "beta1": 0.8,
        "beta2": 0.95,
        "grad_clip": 0.0,
        "use_averages": False,
    }
    made, twin, reference = shim(), Adam(0.02, **settings), Adam(0.02, **settings)
    expected = {name: weight.numpy() for name, weight in values(made).items()}
    for _ in range(4):
        probe = copy.deepcopy(made)
        gradients = gradient(probe, BATCH)
        for name in expected:
            weight, _ = reference((0, name), expected[name], gradients[name].numpy().copy())
            expected[name] = weight
        ask(made, BATCH)
        made.finish_update(twin)
    assert_same(
        values(made),
        {name: torch.from_numpy(weight) for name, weight in expected.items()},
        tolerance=2e-3,
    )


def test_gradients_are_clipped_by_their_common_norm(shim: Callable[..., LossShim]) -> None:
    free = gradient(shim(), BATCH)
    length = norm(free.values())
    for limit, factor in ((length / 3, 1 / 3), (length * 3, 1.0)):
        made = shim()
        before = values(made)
        ask(made, BATCH)
        made.finish_update(plain(grad_clip=limit))
        moved = {name: before[name] - weight for name, weight in values(made).items()}
        assert_same(moved, {name: weight * factor for name, weight in free.items()})


@pytest.mark.parametrize("decay", [True, False])
def test_l2(shim: Callable[..., LossShim], decay: bool) -> None:
    """As weight decay it does not count for clipping; as part of the gradient it does."""
    free, made = gradient(shim(), BATCH), shim()
    before = values(made)
    ask(made, BATCH)
    clip = norm(free.values()) * 0.5
    made.finish_update(
        plain(1.0, L2=0.1 if not decay else 1e-9, L2_is_weight_decay=decay, grad_clip=clip)
    )
    moved = {name: before[name] - weight for name, weight in values(made).items()}
    if decay:  # the rate of `plain` is 1e8
        expected = {name: free[name] * 0.5 + before[name] * 0.1 for name in free}
    else:
        pulled = {name: free[name] + before[name] * 0.1 for name in free}
        expected = {name: weight * clip / norm(pulled.values()) for name, weight in pulled.items()}
    assert_same(moved, expected, tolerance=1e-4)


def test_schedules_are_followed(shim: Callable[..., LossShim]) -> None:
    made, optimizer = shim(), plain([1.0, 0.5, 0.25])
    for rate in (1.0, 0.5, 0.25, 0.25):
        expected = gradient(copy.deepcopy(made), BATCH)
        before = values(made)
        ask(made, BATCH)
        made.finish_update(optimizer)
        moved = {name: before[name] - weight for name, weight in values(made).items()}
        assert_same(
            moved, {name: weight * rate for name, weight in expected.items()}, tolerance=1e-4
        )
        optimizer.step_schedules()


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (Adam(0.01), "use_averages = true"),
        (RAdam(0.01, use_averages=False), "RAdam"),
        (SGD(0.01, use_averages=False), "SGD"),
        (SGD(0.01), "use_averages = true, SGD"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    shim: Callable[..., LossShim], optimizer: Optimizer, name: str
) -> None:
    made = shim()
    before = values(made)
    ask(made, BATCH)
    with pytest.raises(
        ValueError, match=rf"{name}: not possible for a language model: use .*Adam\.v1"
    ):
        made.finish_update(optimizer)
    assert_same(values(made), before, tolerance=0)


def test_the_default_optimizer_of_spacy_is_honoured(shim: Callable[..., LossShim]) -> None:
    optimizer = spacy.blank("xx").create_optimizer()
    made = shim()
    before = values(made)
    ask(made, BATCH)
    made.finish_update(optimizer)
    assert any(not torch.equal(before[name], weight) for name, weight in values(made).items())


def test_no_step_without_targets(shim: Callable[..., LossShim]) -> None:
    made = shim("decisions")
    before = values(made)
    made.finish_update(plain())
    ask(made, [BATCH[3]])  # no decision in it
    made.finish_update(plain(L2=0.5))
    assert_same(values(made), before, tolerance=0)
    assert not waiting(made)


def test_decoding_follows_a_step(shim: Callable[..., LossShim]) -> None:
    made = shim()
    before = decoded(made)
    ask(made, BATCH)
    assert torch.equal(decoded(made), before)
    made.finish_update(plain())
    assert not torch.equal(decoded(made), before)


def test_decoding_is_without_dropout_and_training_with_it(shim: Callable[..., LossShim]) -> None:
    made = shim(tuning=LoRA(r=4, lora_dropout=0.5))
    made.lm.model.eval()
    losses = [made.begin_update(BATCH)[0].sum() for _ in range(2)]
    assert losses[0] != losses[1]
    assert torch.equal(decoded(made), decoded(made))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
def test_losses_fall(tiny_lm: Callable[..., Any], tuning: Any, dtype: str) -> None:
    made = LossShim(tiny_lm(tuning=tuning, dtype=dtype), LOSSES["tokens"])
    optimizer = Adam(0.01, use_averages=False)
    first = ask(made, BATCH).sum()
    for _ in range(25):
        made.finish_update(optimizer)
        last = ask(made, BATCH).sum()
    assert last < first * 0.5
    assert all(weight.dtype == torch.float32 for weight in values(made).values())


def test_reset(shim: Callable[..., LossShim]) -> None:
    made = shim()
    ask(made, BATCH)
    made.finish_update(plain())
    ask(made, BATCH)
    made.reset()
    assert not waiting(made)
    assert made.moments is None
    assert not any(weight.any() for name, weight in values(made).items() if "lora_B" in name)


def test_a_gradient_that_never_came_is_not_waited_for(shim: Callable[..., LossShim]) -> None:
    """An error between the way forward and the way back must not silence later steps."""
    made, other = shim(), shim()
    ask(made, BATCH[:2])
    with pytest.raises(ZeroDivisionError):
        broken_off(made)
    made.finish_update(plain())
    ask(other, BATCH[:2])
    other.finish_update(plain())
    assert_same(values(made), values(other), tolerance=0)


def broken_off(shim: LossShim) -> None:
    _losses, backprop = shim.begin_update(BATCH[2:])
    backprop([1.0, 1 / 0])


def test_as_long_as_a_gradient_may_come_it_is_waited_for(shim: Callable[..., LossShim]) -> None:
    """As that of a `tok2vec`, which listeners send when they have been updated."""
    made, other = shim(), shim()
    losses, backprop = made.begin_update(BATCH)
    before = values(made)
    made.finish_update(plain())
    assert_same(values(made), before, tolerance=0)
    backprop(np.ones_like(losses))
    ask(other, BATCH)
    other.finish_update(plain())
    assert_same(values(made), values(other), tolerance=0)


def test_a_part_of_a_gradient_is_no_gradient(
    shim: Callable[..., LossShim], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shim()
    before = values(made)
    weight = next(iter(trained(made.lm).values()))
    hook = weight.register_hook(lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(made, BATCH)
    hook.remove()
    assert not waiting(made)
    made.finish_update(plain())
    assert_same(values(made), before, tolerance=0)
    ask(made, BATCH)
    made.finish_update(plain())
    other = shim()
    ask(other, BATCH)
    other.finish_update(plain())
    assert_same(values(made), values(other), tolerance=0)


@pytest.mark.parametrize(
    "change", [lambda made, folder: made.reset(), lambda made, folder: made.from_disk(folder)]
)
def test_other_weights_wait_for_no_gradient(
    shim: Callable[..., LossShim], tmp_path: Path, change: Callable[..., Any]
) -> None:
    made = shim()
    made.to_disk(tmp_path / "saved")
    losses, backprop = made.begin_update(BATCH)
    made.finish_update(plain())
    change(made, tmp_path / "saved")
    before = values(made)
    made.finish_update(plain())
    backprop(np.ones_like(losses))
    assert_same(values(made), before, tolerance=0)


@pytest.mark.parametrize("way", ["bytes", "disk"])
@pytest.mark.parametrize("bundle", [False, True])
@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
def test_saving_and_loading(
    shim: Callable[..., LossShim],
    tiny: Callable[..., str],
    tmp_path: Path,
    way: str,
    bundle: bool,
    tuning: Any,
) -> None:
    made, other = shim(tuning=tuning, bundle_base=bundle), shim(tuning=tuning, bundle_base=bundle)
    ask(made, BATCH)
    made.finish_update(plain())
    ask(other, BATCH)
    other.finish_update(plain(0.1))
    ask(other, BATCH)
    expected = decoded(made)
    assert not torch.equal(decoded(other), expected)
    if way == "bytes":
        data = made.to_bytes()
        assert other.from_bytes(data) is other
        assert made.to_bytes() == data
    else:
        made.to_disk(tmp_path / "new" / "folder")
        assert other.from_disk(tmp_path / "new" / "folder") is other
    assert torch.equal(decoded(other), expected)
    assert not waiting(other), "gradients of other weights"
    assert other.moments is None


def test_bytes_hold_a_bundled_base(
    tiny: Callable[..., str], tiny_lm: Callable[..., Any], tmp_path: Path
) -> None:

    name = str(shutil.copytree(tiny("gemma3_text", "spm"), tmp_path / "base"))
    settings: dict[str, Any] = {
        "dtype": "float32",
        "device": "cpu",
        "tuning": LoRA(r=4),
        "bundle_base": True,
    }
    made = LossShim(CausalLM(name, **settings), LOSSES["tokens"])
    data, expected = made.to_bytes(), decoded(made)
    shutil.rmtree(name)
    other = LossShim(CausalLM(name, **settings), LOSSES["tokens"])
    other.from_bytes(data)
    assert torch.equal(decoded(other), expected)
    third = LossShim(CausalLM(name, **settings), LOSSES["tokens"]).from_bytes(other.to_bytes())
    assert torch.equal(decoded(third), expected)


NAMES = [
    "../harm",
    "{tmp}/harm",
    "a/../../harm",
    "a/./b",
    "a//b",
    "",
    "/",
    ".",
    "..",
    "a\\..\\harm",
    "C:harm",
    "a\0b",
]


@pytest.mark.parametrize("name", NAMES)
def test_bytes_write_only_into_their_folder(
    shim: Callable[..., LossShim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = shim()
    files = unpack_parts(made.to_bytes(), "")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with pytest.raises(ValueError, match="is not a valid name of a file inside a folder"):
        made.from_bytes(pack_parts({name.format(tmp=tmp_path): b"harm", **files}))
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


@pytest.mark.parametrize("names", [["a", "a/b"], ["x" * 10_000], ["a/b", "a"]])
def test_names_that_cannot_be_written(shim: Callable[..., LossShim], names: list[str]) -> None:
    with pytest.raises(ValueError, match="a language model in bytes cannot be read"):
        shim().from_bytes(pack_parts(dict.fromkeys(names, b"")))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"garbage", b"\x91", pack_parts({})])
def test_bytes_of_something_else(shim: Callable[..., LossShim], data: bytes) -> None:
    made = shim()
    before = decoded(made)
    with pytest.raises(ValueError, match="cannot be read"):
        made.from_bytes(data)
    assert torch.equal(decoded(made), before)


def test_loading_what_is_not_there(shim: Callable[..., LossShim], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"base\.json cannot be read"):
        shim().from_disk(tmp_path)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda s: s.copy(), lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copies_go_their_own_way(
    shim: Callable[..., LossShim], copied: Callable[[LossShim], LossShim]
) -> None:
    made = shim()
    ask(made, BATCH)
    made.finish_update(Adam(0.01, use_averages=False))
    ask(made, BATCH)
    expected = decoded(made)
    other = copied(made)
    assert torch.equal(decoded(other), expected)
    assert not waiting(other), "gradients are not copied, nor is their number"
    assert_same(gradient(other, BATCH), gradient(copied(made), BATCH))
    assert torch.equal(decoded(made), expected)


def test_a_copy_shares_the_base(shim: Callable[..., LossShim]) -> None:
    made = shim()
    assert copy.deepcopy(made).lm.base is made.lm.base


def test_the_device_is_a_setting_of_the_language_model(shim: Callable[..., LossShim]) -> None:
    made = shim()
    made.to_device("gpu", 0)
    assert {weight.device.type for weight in values(made).values()} == {"cpu"}


def test_a_gpu_in_a_forked_process(
    shim: Callable[..., LossShim], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shim()
    monkeypatch.setattr(made.lm, "device", torch.device("cuda"))
    _ = made.engine
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(
        RuntimeError, match=r"a GPU cannot be shared with worker processes: use n_process=1"
    ):
        _ = made.engine
    monkeypatch.setattr(made.lm, "device", torch.device("cpu"))
    pickled = pickle.loads(pickle.dumps(made))  # read in another process, which was not forked
    monkeypatch.setattr(pickled.lm, "device", torch.device("cuda"))
    _ = pickled.engine


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_gpu_in_a_spawned_process(
    shim: Callable[..., LossShim], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    made = shim()
    monkeypatch.setattr(made.lm, "device", torch.device("cuda"))
    process = multiprocessing.get_context(method).Process(target=print, args=(made,))
    with pytest.raises(
        RuntimeError, match=r"a GPU cannot be shared with worker processes: use n_process=1"
    ):
        process.start()
    assert pickle.dumps(made), "a copy for something else is no worker"


FORK = """
import os, sys, time
import torch
from spacy_genner.lm.causal import CausalLM
from spacy_genner.models.losses import LOSSES, LossShim

torch.set_num_threads(4)
shim = LossShim(CausalLM(sys.argv[1], dtype="float32", device="cpu"), LOSSES["tokens"])
prefix = tuple(range(3, 203)) * 3

def decode():
    return float(shim.local.steps.session(prefix, 8).extend([[5, 6, 7]] * 8).sum())

def in_a_child():
    child = os.fork()
    if not child:
        torch.testing.assert_close(decode(), expected, rtol=1e-3, atol=1e-3)
        os._exit(0 if torch.get_num_threads() == 1 else 2)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, 9)
    return "the forked process hangs"

expected = decode()
torch.randn(2000, 500) @ torch.randn(500, 2000)
decoded = in_a_child()
shim.lm.changed()  # the next child has to merge the weights itself
sys.exit(decoded or in_a_child())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_decodes(tiny: Callable[..., str]) -> None:
    """The parent has run several threads, with which a child hangs, if it is not told to use
    one."""
    found = subprocess.run(
        [sys.executable, "-c", FORK, tiny("llama")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert found.returncode == 0, found.stderr
