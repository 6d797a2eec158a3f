"""Work that no longer fits is left out by name; work that fails is told, and stops nothing else."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import torch

from benchmarks.boxes import fill

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A clock that stands still unless work takes time: `clock.advance(seconds)`."""
    now = [100.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    class Clock:
        @staticmethod
        def advance(seconds: float) -> dict[str, Any]:
            now[0] += seconds
            return {"took": seconds}

    yield Clock


def told() -> tuple[Told, Any]:
    results: Told = []
    return results, lambda name, cell: results.append((name, cell))


def test_no_cell_begins_that_would_end_too_late(clock: Any) -> None:
    results, tell = told()
    cells = {
        name: lambda s=s: clock.advance(s) for name, s in (("a", 4), ("b", 2), ("c", 3), ("d", 0))
    }
    assert fill(cells, 109.0, tell) == ["c", "d"]
    assert results == [("a", {"took": 4}), ("b", {"took": 2})]


def test_what_is_due_to_end_now_is_still_done(clock: Any) -> None:
    results, tell = told()
    assert fill({"a": lambda: clock.advance(4), "b": lambda: clock.advance(4)}, 108.0, tell) == []
    assert len(results) == 2


def test_without_any_time_nothing_begins() -> None:
    results, tell = told()
    assert fill({"a": dict}, 99.0, tell) == ["a"]
    assert results == []


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), ValueError("x" * 999), KeyError("k")]
)
def test_an_error_is_told_and_the_next_cell_begins(error: Exception) -> None:
    def fail() -> dict[str, Any]:
        raise error

    results, tell = told()
    assert fill({"a": fail, "b": lambda: {"fine": 1}}, 200.0, tell) == []
    (_, failed), fine = results
    assert failed["error"].startswith(f"{type(error).__name__}: ") and len(failed["error"]) <= 300
    assert fine == ("b", {"fine": 1})


def test_a_user_may_stop_all() -> None:
    def stop() -> dict[str, Any]:
        raise KeyboardInterrupt

    calls = count()
    with pytest.raises(KeyboardInterrupt):
        fill({"a": stop, "b": lambda: {"call": next(calls)}}, 200.0, told()[1])
    assert next(calls) == 0
