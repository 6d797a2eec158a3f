"""`genner probe-ability` measures the base and the tuned language model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import Adam
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.lm.surprisal import surprisal
from tests.evaluation.harness_tasks import write_tasks

TEXT = "The old factory in Leeds was sold. " * 20


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    result = CliRunner().invoke(app, ["genner", "probe-ability", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def add(name: str, tuning: str, kind: str = "CausalLM") -> spacy.Language:
    """A pipeline with a tiny language model."""
    nlp = spacy.blank("en")
    lm = {"@misc": f"spacy_genner.{kind}.v1", "name": name, "dtype": "float32", "device": "cpu"}
    lm["tuning"] = {"@misc": f"spacy_genner.{tuning}.v1"}  # type: ignore[assignment]
    nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": {"lm": lm}})
    nlp.initialize()
    return nlp


@pytest.fixture(scope="module", params=["LoRA", "FullTuning"])
def trained(
    request: pytest.FixtureRequest,
    tiny: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A pipeline that was trained a little, in each of the two ways."""
    nlp = add(tiny(), request.param)
    doc = nlp.make_doc("Essex County Council said: no comment")
    doc.spans["sc"] = [Span(doc, 0, 3, "ORG")]
    optimizer = Adam(0.05, use_averages=False)
    for _ in range(3):
        nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=optimizer)
    folder = tmp_path_factory.mktemp(request.param)
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "plain.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "plain.txt"


def test_texts_are_measured_before_and_after(trained: Path, text: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "found.json"
    code, output = run(trained, text, text, "--context", 50, "--output", path)
    assert code == 0, output
    tuned = "its adapter" if trained.name.startswith("LoRA") else "all its weights"
    assert f"After: the same with {tuned} as tuned" in output
    found = json.loads(path.read_text("utf-8"))
    assert found["model"] == str(trained) and found["context"] == 50
    changes = found["changes"]
    assert [change["measure"] for change in changes] == ["perplexity", "bits per byte"] * 2
    assert changes[:2] == changes[2:]
    lm: Any = spacy.load(trained).get_pipe("generative_ner").model.shims[0].lm  # type: ignore[attr-defined]
    before, count = surprisal(lm.base_steps, lm.tokenizer, TEXT, 50)
    after, _ = surprisal(lm.steps, lm.tokenizer, TEXT, 50)
    assert abs(after - before) > 1
    bits = changes[1]
    assert bits["size"] == len(TEXT) and count < len(TEXT)
    assert bits["after"] / bits["before"] == pytest.approx(after / before)
    assert f"plain.txt {len(TEXT)} bits per byte {bits['before']:.4f} {bits['after']:.4f}" in output
    assert f"{bits['difference']:+.4f}" in output


def test_no_window_is_longer_than_what_the_model_can_read(
    trained: Path, text: Path, tmp_path: Path
) -> None:
    code, output = run(trained, text, "--context", 10**6, "--output", tmp_path / "found.json")
    assert code == 0, output
    assert json.loads((tmp_path / "found.json").read_text("utf-8"))["context"] == 2047


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tasks_are_measured_before_and_after(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    tasks, path = write_tasks(tmp_path), tmp_path / "found.json"
    options = ("--task", "towns", "--include-path", tasks, "--limit", 3, "--output", path)
    code, output = run(trained, *options)
    assert code == 0, output
    assert "towns 3 acc " in output and " ± " in output
    found = json.loads(path.read_text("utf-8"))
    assert found["limit"] == 3 and found["num_fewshot"] is None
    (change,) = found["changes"]
    assert change["size"] == 3 and 0 <= change["after"] <= 1
    assert change["difference"] == change["after"] - change["before"]


def test_what_cannot_be_measured_is_refused(trained: Path, text: Path, tmp_path: Path) -> None:
    code, output = run(trained)
    assert code == 1 and "there is nothing to measure: give text files, or tasks" in output
    (tmp_path / "empty.txt").write_text(" \n")
    code, output = run(trained, text, tmp_path / "empty.txt")
    assert code == 1 and "has no text" in output
    code, output = run(trained, text, "--component", "ner")
    assert code == 1 and "no component 'ner'" in output


def test_an_untuned_model_has_no_before_and_after(
    tiny: Callable[..., str], text: Path, tmp_path: Path
) -> None:
    add(tiny(), "NoTuning").to_disk(tmp_path / "model")
    code, output = run(tmp_path / "model", text)
    assert code == 1 and "there is nothing to compare: the pipeline decodes" in output


def test_an_encoder_decoder_model_is_refused(
    tiny_t5: Callable[..., str], text: Path, tmp_path: Path
) -> None:
    add(tiny_t5(), "LoRA", "Seq2SeqLM").to_disk(tmp_path / "model")
    code, output = run(tmp_path / "model", text)
    assert code == 1 and "is an encoder–decoder model" in output


def test_a_missing_package_is_named(
    trained: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.setitem(sys.modules, "lm_eval.models", None)
    code, output = run(trained, text, "--task", "towns")
    assert code == 1 and "pip install 'spacy-genner[ability]'" in output
    assert "bits per byte" not in output  # known before anything is measured
