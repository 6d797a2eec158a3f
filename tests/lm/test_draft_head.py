from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from spacy_genner.lm.draft_head import DraftHead

MODEL = SimpleNamespace(hidden_size=8, num_hidden_layers=2)
PATTERNS = [(), (("open", None),), (("close", "PER"), ("open", None))]


@pytest.fixture
def head() -> DraftHead:
    torch.manual_seed(0)
    return DraftHead(8, 2, PATTERNS, copies_first=False).eval()


def rows(*lengths: int) -> list[torch.Tensor]:
    return [
        torch.randn(length, 8, generator=torch.Generator().manual_seed(length))
        for length in lengths
    ]


def test_a_row_for_each_source_and_a_pattern_for_each_gap(head: DraftHead) -> None:
    logits = head(rows(3, 1, 6))
    assert [tuple(row.shape) for row in logits] == [(3, 3), (1, 3), (6, 3)]
    plans = head.plans(rows(3, 1, 6))
    assert [plan._scores.shape for plan in plans] == [(3, 3), (1, 3), (6, 3)]
    for plan, row in zip(plans, logits, strict=True):
        torch.testing.assert_close(torch.from_numpy(plan._scores), row.log_softmax(dim=1).detach())


def test_what_is_proposed_does_not_depend_on_the_batch(head: DraftHead) -> None:
    for row, states in zip(head(rows(3, 1, 20)), rows(3, 1, 20), strict=True):
        torch.testing.assert_close(row, head([states])[0])


def test_it_sees_the_tokens_to_the_right(head: DraftHead) -> None:
    (states,) = rows(6)
    changed = states.clone()
    changed[4] = -changed[4]
    assert not torch.allclose(head([states])[0][2], head([changed])[0][2])


def test_it_takes_the_types_of_the_model(head: DraftHead) -> None:
    (states,) = rows(5)
    torch.testing.assert_close(head([states.bfloat16()])[0], head([states])[0], atol=0.1, rtol=0.1)


def test_saved_and_loaded(head: DraftHead, tmp_path: Path) -> None:
    head.save(tmp_path / "head.safetensors")
    loaded = DraftHead.load(tmp_path / "head.safetensors", MODEL)
    assert (loaded.patterns, loaded.layer, loaded.copies_first) == (
        PATTERNS,
        2,
        False,
    ) and not loaded.training
    assert torch.equal(loaded(rows(4))[0], head(rows(4))[0])


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_a_corrupt_file(head: DraftHead, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "head.safetensors"
    head.save(path)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(
        ValueError, match=r"head.safetensors cannot be read.*train the pipeline again"
    ):
        DraftHead.load(path, MODEL)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        DraftHead.load(tmp_path / "head.safetensors", MODEL)


@pytest.mark.parametrize(("width", "layers"), [(16, 2), (8, 1)])
def test_a_head_for_another_model(head: DraftHead, tmp_path: Path, width: int, layers: int) -> None:
    head.save(tmp_path / "head.safetensors")
    with pytest.raises(
        ValueError,
        match=rf"reads layer 2 of the width 8, but .* has {layers} layers of the width {width}",
    ):
        DraftHead.load(
            tmp_path / "head.safetensors",
            SimpleNamespace(hidden_size=width, num_hidden_layers=layers),
        )


@pytest.mark.parametrize(
    "change",
    [
        {"width": "8"},
        {"width": 10**12},
        {"layer": -1},
        {"layer": 1.5},
        {"patterns": []},
        {"patterns": [[["open", None]]]},
        {"patterns": [[], [[["open"], None]]]},
        {"patterns": [[], []]},
        {"copies_first": None},
        {"more": 1},
    ],
)
def test_settings_of_something_else(
    head: DraftHead, tmp_path: Path, change: dict[str, Any]
) -> None:
    settings = json.dumps({**head._settings, **change})
    save_file(head.state_dict(), tmp_path / "head.safetensors", {"settings": settings})
    with pytest.raises(ValueError, match=r"head\.safetensors cannot be read"):
        DraftHead.load(tmp_path / "head.safetensors", MODEL)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(head: DraftHead, tmp_path: Path, value: float) -> None:
    with torch.no_grad():
        head.input.bias[3] = value
    head.save(tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match=r"head\.safetensors: input\.bias holds NaN or infinity"):
        DraftHead.load(tmp_path / "head.safetensors", MODEL)
