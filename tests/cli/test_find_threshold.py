from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.decoding.calibration import Platt
from tests.pipeline.scripted import TEXT, add_scripted

NAME = "generative_ner"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "find-threshold", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> spacy.Language:
    """The pipeline that the command loads. In `TEXT` it finds an ORG with the score 0.5, two GPE
    with 0.9 and one with 0.25."""
    nlp = spacy.blank("xx")
    add_scripted(nlp)
    monkeypatch.setattr("spacy_genner.cli.find_threshold.load", lambda _: nlp)
    return nlp


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """Gold documents of which one has no annotation. Per annotated one, all but "Leeds" is right,
    and one span is missed."""
    nlp = spacy.blank("xx")
    docs = [nlp(TEXT) for _ in range(3)]
    for doc in docs[:2]:
        marks = [(1, 4, "ORG"), (3, 4, "GPE"), (6, 7, "GPE"), (0, 1, "MISC")]
        doc.spans["sc"] = [Span(doc, *mark) for mark in marks]
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


def found(nlp: spacy.Language) -> Any:
    return nlp.get_pipe(NAME).threshold  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "threshold", "row"),
    [
        ([], 0.375, "0.375 75.0 → 100.0 75.0 → 75.0 75.0 → 85.7 8 → 6"),
        (["--precision", 0.7], 0.0, "0 75.0 → 75.0 75.0 → 75.0 75.0 → 75.0 8 → 8"),
        (["--precision", 1], 0.375, "0.375 75.0 → 100.0"),
        (["--recall", 0.5], 0.7, "0.7 75.0 → 100.0 75.0 → 50.0 75.0 → 66.7 8 → 4"),
    ],
)
def test_finds_the_threshold(
    scripted: spacy.Language, dev: Path, options: list[object], threshold: float, row: str
) -> None:
    code, output = run("model", dev, *options)
    assert code == 0, output
    assert f"all labels {row}" in output and f"threshold = {found(scripted)}" in output
    assert found(scripted) == pytest.approx(threshold, abs=1e-6)
    assert "Few spans support the threshold of all labels" in output


def test_finds_a_threshold_for_each_label(scripted: spacy.Language, dev: Path) -> None:
    scripted.get_pipe(NAME).add_label("LOC")  # type: ignore[attr-defined]
    code, output = run("model", dev, "--precision", 0.9, "--per-label")
    assert code == 0, output
    assert found(scripted) == pytest.approx({"GPE": 0.575, "LOC": 0.375, "MISC": 0.375, "ORG": 0})
    assert "GPE 0.575 66.7 → 100.0 100.0 → 100.0 80.0 → 100.0 6 → 4" in output
    assert "ORG 0 100.0 → 100.0" in output and "all labels 75.0 → 100.0" in output
    assert "Few spans support the threshold of GPE (4), LOC (0), MISC (0), ORG (2)" in output
    assert "No threshold reaches" not in output  # nothing is predicted of the other labels


def test_a_label_that_misses_the_target_is_named(scripted: spacy.Language, dev: Path) -> None:
    code, output = run("model", dev, "--recall", 0.7, "--per-label")
    assert code == 0, output
    assert "No threshold reaches a recall of 0.7 for MISC: the one that comes nearest" in output


@pytest.mark.parametrize("options", [[], ["--per-label"]])
def test_a_target_out_of_reach_is_an_error_and_nothing_is_saved(
    scripted: spacy.Language, dev: Path, options: list[str], tmp_path: Path
) -> None:
    code, output = run("model", dev, "--recall", 0.8, "--output", tmp_path / "out", *options)
    assert code == 1 and not (tmp_path / "out").exists()
    assert "a recall of 0.8 is not reached: what comes nearest is a recall of 0.750" in output


def test_scores_are_those_of_the_calibration_and_a_former_threshold_is_no_matter(
    scripted: spacy.Language, dev: Path
) -> None:
    pipe: Any = scripted.get_pipe(NAME)
    pipe.calibrate(Platt(2.0, 1.0))
    pipe.threshold = 0.99
    code, _ = run("model", dev, "--precision", 1)
    low, high = Platt(2.0, 1.0)([0.25, 0.5])
    assert code == 0 and pipe.threshold == pytest.approx((low + high) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", 0.9, "--recall", 0.5], "give only one of them"),
        (["--component", "ner"], "no component 'ner'"),
    ],
)
def test_wrong_options(
    scripted: spacy.Language, dev: Path, options: list[object], message: str
) -> None:
    code, output = run("model", dev, *options)
    assert code == 1 and message in output


@pytest.mark.parametrize("option", ["--precision", "--recall"])
def test_a_rate_is_a_fraction(scripted: spacy.Language, dev: Path, option: str) -> None:
    assert run("model", dev, option, 90)[0] == 2


def test_another_component(tmp_path: Path, dev: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model")
    code, output = run(tmp_path / "model", dev, "--component", "sentencizer")
    assert code == 1 and "is a Sentencizer: give" in output


@spacy.Language.component("genner_test_drops_scores")
def drops_scores(doc: Doc) -> Doc:
    doc.spans["sc"] = list(doc.spans["sc"])
    return doc


def test_spans_without_scores(scripted: spacy.Language, dev: Path) -> None:
    scripted.add_pipe("genner_test_drops_scores")
    code, output = run("model", dev)
    assert code == 1 and "finds no spans with scores in 2 documents" in output
    assert "remove a component that changes doc.spans['sc']" in output


def test_no_spans_at_all(scripted: spacy.Language, dev: Path) -> None:
    scripted.get_pipe(NAME).model.attrs["script"] = []  # type: ignore[attr-defined]
    code, output = run("model", dev)
    assert code == 1 and "finds no spans with scores" in output


@pytest.mark.parametrize("per_label", [False, True])
def test_the_saved_pipeline_has_the_threshold(
    tiny: Callable[..., str], tmp_path: Path, per_label: bool
) -> None:
    nlp = spacy.blank("xx")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe(NAME, config={"labels": ["ORG", "GPE"], "model": {"lm": lm}})
    nlp.to_disk(tmp_path / "model")
    gold = nlp("The University of Edinburgh is in Leeds, number 7.")
    group = gold.spans["sc"]
    scores = group.attrs["scores"].tolist()
    best = max(scores)
    right = [span for span, score in zip(group, scores, strict=True) if score == best]
    assert 0 < len(right) < len(group)
    gold.spans["sc"] = right
    DocBin(docs=[gold]).to_disk(tmp_path / "dev.spacy")
    options = ["--per-label"] if per_label else ["--precision", "1.0"]
    code, output = run(
        tmp_path / "model", tmp_path / "dev.spacy", "--output", tmp_path / "out", *options
    )
    assert code == 0 and "Saved the pipeline with the threshold" in output
    loaded = spacy.load(tmp_path / "out")
    assert isinstance(found(loaded), dict) == per_label
    doc = loaded(gold.text)
    spans = doc.spans["sc"]
    assert {(span.start, span.end, span.label_) for span in spans} >= {
        (span.start, span.end, span.label_) for span in right
    }
    assert len(spans) < len(group)
