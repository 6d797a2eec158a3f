from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.weights.tensors import check_numbers, load_tensors, save_tensors

TYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn]


def test_saved_and_loaded(tmp_path: Path) -> None:
    whole = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    save_tensors({"a": whole, "b": whole.T}, tmp_path / "x", key="value")  # a view, not contiguous
    loaded = load_tensors(tmp_path / "x")
    assert torch.equal(loaded["a"], whole) and torch.equal(loaded["b"], whole.T)


def test_others_may_read_what_is_saved(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save_tensors({"a": torch.zeros(2)}, tmp_path / "x")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        save_tensors({"a": torch.zeros(2)}, tmp_path / "none" / "x")


@pytest.mark.parametrize("content", [None, b"", b"no weights", b"\xff" * 100])
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=r"x cannot be read .*copy or train the pipeline again"):
        load_tensors(tmp_path / "x")


@given(
    st.lists(
        st.sampled_from([0.0, -1.5, 3e38, -3e38, float("nan"), float("inf"), -float("inf")]),
        max_size=9,
    )
)
def test_only_finite_numbers_pass(values: list[float]) -> None:
    """Also where their sum is not finite, or would hide it."""
    tensor = torch.tensor(values, dtype=torch.float32)
    if tensor.isfinite().all():
        check_numbers({"x": tensor}, "here")
    else:
        with pytest.raises(ValueError, match="here: x holds NaN or infinity"):
            check_numbers({"fine": torch.ones(2), "x": tensor}, "here")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 4)])
def test_all_floating_types_pass(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    check_numbers({"x": torch.ones(shape).to(dtype)}, "here")


def test_numbers_too_large_for_float32_are_numbers() -> None:
    check_numbers({"x": torch.tensor([1e300, 1e300], dtype=torch.float64)}, "here")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool])
def test_others_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(
        ValueError, match=f"here: x has the type {dtype}, expected floating-point numbers"
    ):
        check_numbers({"x": torch.ones(3, dtype=dtype)}, "here")
