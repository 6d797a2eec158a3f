"""Trainings that a benchmark does once, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from thinc.api import Config

CONFIGS = Path(__file__).parent.parent / "configs"


def config_of(name: str, steps: int) -> Config:
    """A config of the project for so many steps, with evaluations at the first and the last one
    only."""
    overrides = {
        "training.optimizer.learn_rate.total_steps": steps,
        "training.eval_frequency": steps,
    }
    return Config().from_disk(CONFIGS / f"{name}.cfg", interpolate=False, overrides=overrides)


def trained(folder: Path, config: Config, python: str | Path = sys.executable) -> Path:
    """A pipeline trained by this config in this folder. One that was stopped goes on, a finished
    one stays.

    Args:
        python: The Python that trains.

    Raises:
        ValueError: If one was finished there with another config.
        subprocess.CalledProcessError: If training fails.
    """
    path, finished = (
        folder / "config.cfg",
        folder / "finished",
    )  # model-last is there from the first evaluation on
    if not finished.exists():
        folder.mkdir(parents=True, exist_ok=True)
        config.to_disk(path)
        genner("train", path, "--output", folder, python=python)
        finished.touch()
    elif path.read_text(encoding="utf8") != config.to_str():
        raise ValueError(
            f"{folder} holds a model that was trained with another config: choose another folder"
        )
    return folder / "model-last"


def genner(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    """A command of `spacy genner`.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    subprocess.run([python, "-m", "spacy", "genner", *map(str, arguments)], check=True)
