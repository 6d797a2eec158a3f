"""What is measured of the stages of a run, on a tiny pipeline."""

from __future__ import annotations

import pickle
from pathlib import Path
from statistics import median

import pytest
import spacy

from benchmarks.stage_costs import DRIVER, RUNS, WORKER, measured, medians, timed
from benchmarks.streaming import make_input, make_model
from spacy_genner.annotating.inputs import Inputs
from spacy_genner.annotating.part import Part, parts_of

PART, FEW = 6, 2
TEXTS = (RUNS + 1) * (PART + FEW)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cost")
    make_model(folder)
    return folder / "model"


def test_stages_and_bytes_of_a_word(model: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    make_input(texts, TEXTS, seed=0)
    cell = measured(model, texts, PART, FEW)
    assert cell["device"] == "cpu" and cell["load"] > 0
    seconds = cell["microseconds"]
    assert seconds.keys() == {*DRIVER, *WORKER, "model"}
    assert all(seconds[stage] > 0 for stage in (*DRIVER, *WORKER))
    inputs = list(Inputs.of(texts))[(RUNS + 1) * FEW :]  # the others are for the model
    nlp, parts = spacy.load(model), list(parts_of(inputs, PART))
    words = [sum(len(nlp.make_doc(each.text)) for each in part.inputs) for part in parts]
    assert cell["words"] == pytest.approx(median(words[1:]) / PART, abs=0.01)
    size = sum(map(len, texts.read_bytes().splitlines(keepends=True)[-len(inputs) :]))
    assert cell["bytes"]["input"] == pytest.approx(size / len(inputs) / cell["words"], rel=0.01)
    bare = [Part(0, [each._replace(place="") for each in part.inputs]) for part in parts]
    sent = [len(pickle.dumps(each)) / count for each, count in zip(bare, words, strict=True)]
    place = cell["bytes"]["message"] - median(sent[1:])
    assert 0 < place * cell["words"] < 100  # the bytes of the path and number of a line
    assert cell["bytes"]["output"] > cell["bytes"]["input"]


def test_too_few_texts(model: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    make_input(texts, TEXTS - 1, seed=0)
    with pytest.raises(ValueError, match=f"has {TEXTS - 1} texts: expected {TEXTS}"):
        measured(model, texts, PART, FEW)


def test_the_first_run_does_not_count() -> None:
    runs = [{"read": 100.0}, {"read": 1.0}, {"read": 5.0}, {"read": 3.0}]
    assert medians(runs) == {"read": 3.0}


def test_a_call_is_timed_and_its_result_kept() -> None:
    result, seconds = timed(lambda: sum(range(1000)))
    assert result == 499_500 and 0 < seconds < 10
