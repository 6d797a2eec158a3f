"""What a process that writes parts is told, and what it answers."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest

from spacy_genner.annotating.crew import WorkerError
from spacy_genner.annotating.worker import attempt, seeing

NAME = "CUDA_VISIBLE_DEVICES"


class Needy(ValueError):
    """An error that pickle cannot make again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Needy("a", "b"), ValueError("a and b")),
        (FileNotFoundError(2, "No such file", "x"), OSError("[Errno 2] No such file: 'x'")),
        (ModuleNotFoundError("no pyarrow"), ImportError("no pyarrow")),
        (EOFError("a damaged file"), WorkerError("EOFError: a damaged file")),
    ],
)
def test_errors_can_be_sent(error: Exception, expected: Exception) -> None:
    def fail(_: Any) -> None:
        raise error

    sent = pickle.loads(pickle.dumps(attempt(fail, 1)))
    assert type(sent) is type(expected) and str(sent) == str(expected)


def test_results_are_returned() -> None:
    assert attempt(max, 1, 2) == 2


@pytest.mark.parametrize("before", [None, "0,1"])
def test_a_device_is_chosen_for_the_length_of_a_block(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if before:
        monkeypatch.setenv(NAME, before)
    with seeing("3"):
        assert os.environ[NAME] == "3"
    with seeing(None):
        assert os.environ.get(NAME) == before
    assert os.environ.get(NAME) == before
