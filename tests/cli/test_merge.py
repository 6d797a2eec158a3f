"""`genner merge` writes a folder, and tells what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.decoding.calibration import Platt


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "merge", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def model(tiny: Callable[..., str], tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", name="ner", config={"labels": ["ORG"], "model": {"lm": lm}})
    nlp.get_pipe("ner").calibrate(Platt(1.0, 0.5))  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_writes_a_folder(model: Path, tmp_path: Path) -> None:
    code, output = run(model, tmp_path / "new" / "merged", "--component", "ner")
    assert code == 0 and "Wrote the merged weights and a model card" in output, output
    assert "only in the pipeline: the calibration" in output
    names = {path.name for path in (tmp_path / "new" / "merged").iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= names
    assert "[components.ner.model.lm]" in (tmp_path / "new" / "merged" / "README.md").read_text()


def test_errors_without_a_traceback(model: Path, tiny: Callable[..., str], tmp_path: Path) -> None:
    for arguments, message in (
        ((model, tmp_path / "merged"), "no component 'generative_ner'"),
        ((model, tiny(), "--component", "ner"), "is the folder of the base"),
        ((tmp_path / "nowhere", tmp_path / "merged"), "nowhere"),
    ):
        code, output = run(*arguments)
        assert code == 1 and message in output and "Traceback" not in output
        assert not (tmp_path / "merged").exists()
