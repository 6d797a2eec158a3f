"""`genner export` of a config initializes what a training would; a pipeline is taken as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

TEXT = "The University of Edinburgh is in Leeds."


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "export", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def config(tiny: Callable[..., str], tmp_path: Path) -> Path:
    """The config of a training, without labels, and with paths that are not there."""
    nlp = spacy.blank("en")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"model": {"lm": lm}})
    config = nlp.config
    config["corpora"]["train"]["path"] = "missing.spacy"
    config.to_disk(tmp_path / "train.cfg")
    return tmp_path / "train.cfg"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for name, label in (("Leeds", "GPE"), ("The University of Edinburgh", "ORG")):
        doc = nlp(TEXT)
        start = TEXT.index(name)
        doc.spans["sc"] = [doc.char_span(start, start + len(name), label=label)]
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    return tmp_path / "train.spacy"


def test_a_config_takes_its_labels_from_the_data(config: Path, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"
    code, output = run(config, data, path)
    assert code == 0 and "2 prompts with 2 spans and the labels GPE, ORG" in output, output
    rows = read(path)
    assert [row["completion"] for row in rows] == [
        "The University of Edinburgh is in [Leeds | GPE].",
        "[The University of Edinburgh | ORG] is in Leeds.",
    ]
    longest = max(len(row["input_ids"]) for row in rows)
    assert f"The longest has {longest} token ids" in output
    assert all(set(row) == {"prompt", "completion", "input_ids", "labels"} for row in rows)


def test_the_labels_of_the_config_and_what_is_lost(
    config: Path, data: Path, tmp_path: Path
) -> None:
    overrides = ["--components.generative_ner.labels", '["PER", "ORG"]']
    code, output = run(config, data, tmp_path / "out.jsonl", *overrides)
    assert code == 0, output
    assert "with 1 spans and the labels PER, ORG" in output
    assert "are not in the file: 1 with an unknown label" in output
    assert output.count("with an unknown label") == 1


def test_settings_are_overridden(config: Path, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code, output = run(config, data, path, "--components.generative_ner.model.prompt.template", "T")
    assert code == 1 and "text" in output, output
    template = "--components.generative_ner.model.prompt.template=> {{ text }} >>"
    code, output = run(config, data, path, template)
    assert code == 0, output
    assert read(path)[0]["prompt"] == f"> {TEXT} >>"


def test_a_pipeline_keeps_its_labels(config: Path, data: Path, tmp_path: Path) -> None:
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(config), auto_fill=True)
    nlp.get_pipe("generative_ner").set_labels(["GPE"])
    nlp.to_disk(tmp_path / "model")
    path = tmp_path / "out.jsonl"
    code, output = run(tmp_path / "model", data, path)
    assert code == 0 and "1 with an unknown label" in output, output
    assert read(path)[1]["completion"] == TEXT


def test_a_sourced_component_keeps_its_labels(config: Path, data: Path, tmp_path: Path) -> None:
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(config), auto_fill=True)
    nlp.get_pipe("generative_ner").set_labels(["GPE"])
    nlp.to_disk(tmp_path / "model")
    changed = spacy.util.load_config(config)
    changed["components"]["generative_ner"] = {"source": str(tmp_path / "model")}
    changed.to_disk(tmp_path / "second.cfg")
    code, output = run(tmp_path / "second.cfg", data, tmp_path / "out.jsonl")
    assert code == 0 and "the labels GPE" in output, output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--component", "ner"], "no component 'ner'"),
        (["--components.generative_ner.window", "0"], "window = 0"),
        (["--components.generative_ner.model.lm.name", "/nowhere"], "cannot be loaded"),
    ],
)
def test_errors_without_a_traceback(
    config: Path, data: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, output = run(config, data, tmp_path / "out.jsonl", *arguments)
    assert code == 1 and message in output and "Traceback" not in output
    assert not (tmp_path / "out.jsonl").exists()


def test_no_such_pipeline(data: Path, tmp_path: Path) -> None:
    for name in ("nowhere.cfg", "nowhere"):
        code, output = run(tmp_path / name, data, tmp_path / "out.jsonl")
        assert code == 1 and "nowhere" in output and "Traceback" not in output
