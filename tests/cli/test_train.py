import json
import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.cli.train import train as spacy_train
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.cli.train import train
from tests.training import tiny_training
from tests.training.tiny_training import Training


def run(training: Training, output: Path, kill: str) -> int:
    """Train in a process of its own, which may kill itself."""
    arguments = [
        "genner",
        "train",
        training.config,
        "--output",
        output,
        "--code",
        tiny_training.__file__,
    ]
    settings = [f"--{key}={value}" for key, value in training.overrides.items()]
    process = [sys.executable, "-m", "spacy", *map(str, arguments), "--seconds", "0", *settings]
    return subprocess.run(
        process, env=os.environ | {"GENNER_TEST_KILL": kill}, timeout=300
    ).returncode


def result(training: Training, output: Path) -> dict[str, Any]:
    """The log of a training, and all files that it wrote, without the time it took."""
    files: dict[str, Any] = {
        str(p.relative_to(output)): p.read_bytes() for p in output.rglob("*") if p.is_file()
    }
    for path in output.rglob("adapter_config.json"):  # PEFT writes sets, in whatever order
        settings = json.loads(path.read_text("utf8"))
        files[str(path.relative_to(output))] = settings | {
            "target_modules": sorted(settings["target_modules"])
        }
    for path in output.glob("*/meta.json"):
        meta = json.loads(path.read_text("utf8"))
        meta["performance"].pop("training_seconds", None)
        files[str(path.relative_to(output))] = meta
    return {**files, "log": Path(training.overrides["paths.log"]).read_bytes()}


def test_killed_and_run_again_it_saves_what_spacy_train_does(
    training: Training, tmp_path: Path
) -> None:
    Path(training.overrides["paths.log"]).unlink(missing_ok=True)
    spacy_train(training.config, tmp_path / "unbroken", overrides=training.overrides)
    expected = result(training, tmp_path / "unbroken")

    assert run(training, tmp_path / "broken", "half 2") == -SIGKILL
    assert list((tmp_path / "broken").glob(".checkpoint.pt.*"))
    assert run(training, tmp_path / "broken", "") == 0
    assert result(training, tmp_path / "broken") == expected


@pytest.mark.parametrize("logger", ["spacy.ConsoleLogger.v3", "spacy_genner.ConsoleLogger.v1"])
def test_the_log_of_an_earlier_training_is_replaced(
    training: Training, tmp_path: Path, logger: str
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("earlier\n")
    short = training.having(
        {"paths.log": str(log), "training.max_steps": 1, "training.eval_frequency": 1}
    )
    short = short.having({"training.logger.@loggers": logger})
    train(short.config, tmp_path / "output", short.overrides)
    assert [json.loads(line)["step"] for line in log.read_text("utf8").splitlines()] == [0, 1]


def test_a_refused_training_leaves_everything_as_it_was(
    training: Training, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("earlier\n")
    frozen = training.having(
        {"paths.log": str(log), "training.frozen_components": ["generative_ner"]}
    )
    (tmp_path / "output" / "model-best").mkdir(parents=True)
    with pytest.raises(SystemExit) as stop:
        train(frozen.config, tmp_path / "output", frozen.overrides)
    assert stop.value.code == 1 and "nothing to train" in " ".join(capsys.readouterr().out.split())
    assert log.read_text() == "earlier\n" and (tmp_path / "output" / "model-best").exists()


def cli(*arguments: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["genner", "train", *map(str, arguments)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_settings_on_the_command_line_override_the_config(
    training: Training, tmp_path: Path
) -> None:
    overrides = [f"--{key}={value}" for key, value in training.overrides.items()]
    code, printed = cli(
        training.config, "-o", tmp_path, "--gpu-id", -1, *overrides, "--training.max_steps", "1"
    )
    assert code == 0, printed
    assert not list(tmp_path.glob("checkpoint*"))
    assert spacy.load(tmp_path / "model-last").config["training"]["max_steps"] == 1


def test_steps_are_those_of_the_schedule_as_well(training: Training, tmp_path: Path) -> None:
    overrides = [f"--{key}={value}" for key, value in training.overrides.items()]
    code, printed = cli(
        training.config, "-o", tmp_path, "--steps", 1, "--training.max_steps", 12, *overrides
    )
    assert code == 0 and "the learning rate is 0" not in printed, printed
    section = spacy.load(tmp_path / "model-last").config["training"]
    assert section["max_steps"] == section["optimizer"]["learn_rate"]["total_steps"] == 1


def test_it_warns_of_steps_that_teach_nothing_and_of_a_model_that_is_hardly_trained(
    training: Training, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = {"training.max_steps": 1, "training.logger.@loggers": "spacy.ConsoleLogger.v3"}
    short |= {
        "training.optimizer.learn_rate.total_steps": 0,
        "paths.log": str(tmp_path / "log.jsonl"),
    }
    train(training.config, tmp_path / "output", training.having(short).overrides)
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "total_steps = 0, but [training] max_steps = 1: from step 0 on the learning rate is 0"
        in printed
    )
    assert "model-best is hardly trained" in printed and "eval_frequency" in printed


def test_an_override_of_nothing_is_an_error_before_anything_runs(
    training: Training, tmp_path: Path
) -> None:
    code, _ = cli(training.config, "-o", tmp_path, "--nonsense", "1")
    assert code and not list(tmp_path.iterdir())


def test_a_config_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    code, printed = cli(tmp_path / "none.cfg", "-o", tmp_path)
    assert code == 2 and "none.cfg" in printed
    (tmp_path / "broken.cfg").write_text("[training\n")
    code, printed = cli(tmp_path / "broken.cfg", "-o", tmp_path)
    assert code == 1 and "config" in printed


def test_output_is_required(training: Training) -> None:
    code, printed = cli(training.config)
    assert code == 2 and "--output" in printed
