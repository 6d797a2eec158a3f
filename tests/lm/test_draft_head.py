from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spacy_genner.lm.draft_head import DraftHead

PATTERNS = [(), (("open", None),), (("close", "PER"), ("open", None))]


@pytest.fixture
def head() -> DraftHead:
    torch.manual_seed(0)
    return DraftHead(8, 2, PATTERNS, copies_first=False).eval()


def rows(*lengths: int) -> list[torch.Tensor]:
    return [torch.randn(length, 8, generator=torch.Generator().manual_seed(length)) for length in lengths]


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
    loaded = DraftHead.load(tmp_path / "head.safetensors", torch.device("cpu"))
    assert (loaded.patterns, loaded.layer, loaded.copies_first) == (PATTERNS, 2, False) and not loaded.training
    assert torch.equal(loaded(rows(4))[0], head(rows(4))[0])


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_a_corrupt_file(head: DraftHead, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "head.safetensors"
    head.save(path)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(ValueError, match=r"head.safetensors cannot be read.*train the pipeline again"):
        DraftHead.load(path, torch.device("cpu"))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        DraftHead.load(tmp_path / "head.safetensors", torch.device("cpu"))
