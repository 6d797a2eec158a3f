import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from spacy_genner.training import checkpoint
from tests.strategies import examples

STATE: dict[str, Any] = {
    "tensors": [torch.tensor([1.5, -0.0, float("inf")]), torch.arange(3, dtype=torch.uint8)],
    "half": torch.tensor([0.1], dtype=torch.bfloat16),
    "tape": b"\x00\xff",
    "none": None,
    "numbers": (3, 0.1, "ü"),
}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states are equal to the last bit."""
    tensors = [[*state["tensors"], state["half"]] for state in (one, other)]
    equal = all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(*tensors, strict=True))
    return equal and all(one[key] == other[key] for key in ("tape", "none", "numbers"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.pt"
    checkpoint.write(path, STATE)
    return path


def test_what_is_written_is_read(path: Path) -> None:
    assert same(checkpoint.read(path), STATE)


def test_a_newer_checkpoint_replaces_the_older(path: Path) -> None:
    checkpoint.write(path, STATE | {"none": 1})
    assert checkpoint.read(path)["none"] == 1
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(("owner", "name"), [(torch, "save"), (os, "fsync"), (Path, "replace")])
def test_stopped_while_it_is_written_the_older_one_remains(
    owner: Any, name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any) -> None:
        if name == "save":
            arguments[1].write(b"the beginning")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(owner, name, stop)
        checkpoint.write(path, {})
    assert same(checkpoint.read(path), STATE)
    checkpoint.remove(path)
    assert not list(path.parent.iterdir())


def test_removing_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    checkpoint.remove(tmp_path / "checkpoint.pt")


@pytest.fixture
def intact(path: Path) -> bytes:
    return path.read_bytes()


@examples(8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_noticed_or_harmless(data: st.DataObject, path: Path, intact: bytes) -> None:
    content = bytearray(intact)
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        assert same(checkpoint.read(path), STATE)
    except ValueError as error:
        assert str(path) in str(error) and "not a readable checkpoint" in str(error)


@pytest.mark.parametrize("content", [b"", b"no zip file", b"PK\x05\x06" + bytes(18)])
def test_another_file_is_no_checkpoint(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is not a readable checkpoint"):
        checkpoint.read(path)


def test_a_checkpoint_runs_no_code(path: Path) -> None:
    torch.save({"state": Path("anything but tensors and what is built in")}, path)
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        checkpoint.read(path)


def draws() -> tuple[Any, ...]:
    """Also what generators keep for the next call."""
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.randn(),
        torch.rand(3).tolist(),
    )


@examples(0.5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 2), st.integers(0, 9))
def test_random_generators_go_on_where_they_were(path: Path, seed: int, drawn: int) -> None:
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(seed)
    for _ in range(drawn):
        draws()
    checkpoint.write(path, checkpoint.random_states([torch.device("cpu")]))
    following = [draws(), draws()]
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(seed + 1)
    checkpoint.set_random_states(checkpoint.read(path))
    assert [draws(), draws()] == following


@pytest.mark.gpu
def test_so_do_those_of_gpus(path: Path) -> None:
    device = torch.empty(0, device="cuda").device
    checkpoint.write(path, checkpoint.random_states([device]))
    following = torch.rand(3, device=device)
    checkpoint.set_random_states(checkpoint.read(path))
    assert torch.equal(torch.rand(3, device=device), following)


def test_weights_in_other_places_have_another_digest() -> None:
    one, two = torch.zeros(2), torch.ones(2)
    assert checkpoint.digest({"a": one, "b": two}) != checkpoint.digest({"a": two, "b": one})
    assert checkpoint.digest({"a": one, "b": two}) != checkpoint.digest({"a": one, "c": two})


def test_types_that_numpy_lacks_have_a_digest_and_shapes_without_dimensions() -> None:
    digests = {
        checkpoint.digest({"a": torch.tensor(value, dtype=torch.bfloat16)})
        for value in (0.5, 0.25, [0.5, 0.5])
    }
    assert len(digests) == 3
