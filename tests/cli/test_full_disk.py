"""A disk that is full, or a folder that cannot be written to: one line says so, and what was there
is as it was."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.training import checkpoint
from spacy_genner.training.recording import add_training_seconds
from tests.evaluation.stored import gner
from tests.training.tiny_training import Training

resource = pytest.importorskip("resource", reason="needs a limit for the size of files")

COMMANDS = {
    "convert": "convert in.conll out.spacy --format columns",
    "convert, report": "convert in.conll new.spacy --format columns --json out.json",
    "annotate, .jsonl": "annotate ruler in.txt --output out.jsonl",
    "annotate, .spacy": "annotate ruler in.txt --output out.spacy",
    "annotate, page": "annotate ruler in.txt --html out.html",
    "evaluate, metrics": "evaluate ruler gold.spacy --output out.json",
    "evaluate, page": "evaluate ruler gold.spacy --html out.html",
    "evaluate-predictions": "evaluate-predictions predictions.jsonl --json out.json",
    "calibrate": "calibrate pipeline gold.spacy out",
    "find-threshold": "find-threshold pipeline gold.spacy --output out",
    "train-drafts": "train-drafts pipeline gold.spacy out",
    "export": "export pipeline gold.spacy out.jsonl",
    "merge, configuration": "merge pipeline out",
    "merge, weights": "merge pipeline out",
}
"""Each writes something called out."""
ROOM = {
    "convert, report": 400,
    "calibrate": 20_000,
    "find-threshold": 20_000,
    "train-drafts": 20_000,
    "merge, weights": 40_000,
}
"""For what comes before that, a compressed .spacy file, or all of a pipeline but the adapter; else
60 bytes."""


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Files cannot grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def inputs(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline and what the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    nlp = spacy.blank("xx")  # its tokenizer is small
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "GPE"], "model": {"lm": lm}})
    docs = list(
        nlp.pipe([f"The University of Edinburgh is in Leeds, number {i}." for i in range(6)])
    )
    for doc in docs:  # the more probable half is right
        scores = dict(zip(doc.spans["sc"], doc.spans["sc"].attrs["scores"], strict=True))
        doc.spans["sc"] = sorted(scores, key=lambda span: -scores[span])[: max(1, len(scores) // 2)]
    DocBin(docs=docs).to_disk(folder / "gold.spacy")
    nlp.to_disk(folder / "pipeline")
    ruler = spacy.blank("xx")
    ruler.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Leeds"}])
    ruler.to_disk(folder / "ruler")
    (folder / "in.conll").write_text(f"Bonn\tB-{'X' * 500}\n")
    (folder / "in.txt").write_text("The University of Edinburgh is in Leeds.")
    (folder / "predictions.jsonl").write_text(json.dumps(gner("Bonn(O) or(O) Bonn(B-city)")))
    return folder


def run(command: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and output of a command that must not end with a traceback."""
    monkeypatch.chdir(place)
    result = CliRunner().invoke(app, ["genner", *command.split()])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, " ".join(re.sub(r"\x1b\[[\d;]*m", "", result.output).split())


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def old(place: Path, command: str) -> None:
    """What an earlier run of a command has written, or something like it."""
    (name,) = (word for word in command.split() if word.startswith("out"))
    if name == "out":
        shutil.copytree(place / "pipeline", place / "out")
        (place / "out" / "README.md").write_text("notes")
    else:
        (place / name).write_text("an older file" * 1000)


@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_full_disk_the_older_output_stays(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = Path(shutil.copytree(inputs, tmp_path / "place"))
    old(place, COMMANDS[name])
    before = content(place)
    with disk_of(ROOM.get(name, 60)):
        code, output = run(COMMANDS[name], place, monkeypatch)
    assert code == 1 and re.search(r"✘ \[.*File too large.*: '.*out\S*'$", output), output
    assert {name: data for name, data in content(place).items() if name != "new.spacy"} == before


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_that_cannot_be_written_to(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    place = Path(shutil.copytree(inputs, tmp_path / "place"))
    (place / "file").write_text("where a folder should be")
    before = content(place)
    code, output = run(command.replace(" out", " file/out"), place, monkeypatch)
    assert code == 1 and re.search(r"✘ \[Errno \d+\] .*: '.*file\S*'$", output), output
    assert {name: data for name, data in content(place).items() if name != "new.spacy"} == before


@pytest.mark.parametrize("name", ["annotate, page", "calibrate"])
def test_with_room_it_is_written(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = Path(shutil.copytree(inputs, tmp_path / "place"))
    old(place, COMMANDS[name])
    before = content(place)
    code, output = run(COMMANDS[name], place, monkeypatch)
    assert code == 0, output
    after = content(place)
    changed = {name for name in before if before[name] != after[name]}
    assert (
        changed
        and all(name.startswith("out") for name in changed)
        and "out/README.md" not in changed
    )
    assert not any("/." in f"/{name}" for name in after), "leftovers"


def test_training_on_a_full_disk_can_go_on(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = [f"--{key}={value}" for key, value in training.overrides.items()]
    command = " ".join(
        ["train", str(training.config), "--output", "out", "--seconds", "0", *overrides]
    )
    with disk_of(150_000):  # the checkpoint grows: the sixth is too large
        code, output = run(command, tmp_path, monkeypatch)
    assert code == 1 and re.search(r"✘ \[.*File too large.*: '.*out\S*'$", output), output
    checkpoint.read(tmp_path / "out" / "checkpoint.pt")
    code, output = run(command, tmp_path, monkeypatch)
    assert code == 0 and "Going on after update" in output


def test_a_meta_json_that_cannot_be_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    srsly.write_json(path, {"performance": {"ents_f": 0.5}})
    before = content(tmp_path)
    with disk_of(20), pytest.raises(OSError, match="File too large"):
        add_training_seconds(path, 60.0)
    assert content(tmp_path) == before
