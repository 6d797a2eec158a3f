"""A damaged component is refused with a ValueError that says where, and the one that was there
works as before."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.pipeline.damaged_pipelines import DAMAGES, damaged, files_of, write
from tests.pipeline.with_shots import NLP, component, examples, state

MANY = pytest.param(3000, marks=pytest.mark.slow)
AT_WORK = (
    "computes NaN",
    "cannot write",
    "choose other labels",
    "private-use",
    "shows examples",
)
"""Errors of what can be read, but not be worked with: numbers that are too large, other labels, no
examples."""


@pytest.fixture(scope="module", params=[False, True], ids=["base apart", "base inside"])
def saved(
    request: pytest.FixtureRequest,
    tiny: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Any]:
    """A folder with a trained component, and the component."""
    pipe = component(tiny(), "ORG", "GPE", lm={"bundle_base": request.param})
    pipe.train_drafts(examples("ORG"))
    folder: Path = tmp_path_factory.mktemp("saved")
    pipe.to_disk(folder)
    return folder, pipe


def is_refused(pipe: Any, before: Any, read: Callable[[], Any], place: str) -> bool:
    """Read something damaged; whether it was refused, with an error that names the place, or
    harmless."""
    try:
        read()
    except ValueError as error:
        assert place in str(error)
        assert state(pipe) == before
        assert gc.isenabled()
        return True
    try:
        pipe(NLP("Acme is in Leeds"))
    except ValueError as error:
        assert any(text in str(error) for text in AT_WORK), error
    return False


@pytest.mark.parametrize("rounds", [30, MANY])
def test_a_damaged_folder(saved: tuple[Path, Any], rounds: int) -> None:
    folder, pipe = saved
    files, random, refused = files_of(folder), Random(rounds), 0
    before = state(pipe.from_disk(folder))
    for _ in range(rounds):
        changed = damaged(random, files)
        write(folder, changed, files)
        is_bad = is_refused(pipe, before, lambda: pipe.from_disk(folder), str(folder))
        write(folder, files, changed)
        refused += is_bad
        if not is_bad:
            before = state(pipe.from_disk(folder))
    assert rounds / 3 < refused < rounds


@pytest.mark.parametrize("rounds", [30, MANY])
def test_damaged_bytes(saved: tuple[Path, Any], rounds: int) -> None:
    folder, pipe = saved
    data, random, refused = pipe.from_disk(folder).to_bytes(), Random(rounds), 0
    before = state(pipe)
    for _ in range(rounds):
        changed = random.choice(DAMAGES)(random, data)
        is_bad = is_refused(
            pipe, before, lambda changed=changed: pipe.from_bytes(changed), "in bytes"
        )
        refused += is_bad
        if not is_bad:
            before = state(pipe.from_bytes(data))
    assert rounds / 3 < refused < rounds
