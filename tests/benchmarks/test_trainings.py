"""A training that was stopped is gone on with; a finished one is not repeated."""

import sys
from pathlib import Path

import pytest
from thinc.api import Config

from benchmarks import trainings


def test_only_a_finished_training_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[BaseException | None] = [KeyboardInterrupt(), None]

    def genner(*arguments: str | Path, python: str | Path) -> None:
        assert python == sys.executable
        assert arguments == ("train", folder / "config.cfg", "--output", folder)
        (folder / "model-last").mkdir(exist_ok=True)  # as the first evaluation does
        if end := ends.pop(0):
            raise end

    monkeypatch.setattr(trainings, "genner", genner)
    folder, config = tmp_path / "new" / "run", Config({"training": {"seed": 0}})
    with pytest.raises(KeyboardInterrupt):
        trainings.trained(folder, config)
    assert (
        trainings.trained(folder, config)
        == trainings.trained(folder, config)
        == folder / "model-last"
    )
    assert Config().from_disk(folder / "config.cfg") == config
    assert not ends
    with pytest.raises(ValueError, match="run holds a model that was trained with another config"):
        trainings.trained(folder, Config({"training": {"seed": 1}}))
