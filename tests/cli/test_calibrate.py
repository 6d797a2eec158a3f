from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "calibrate", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


Make = Callable[..., Path]


@pytest.fixture
def make(tiny: Callable[..., str], tmp_path: Path) -> Make:
    """`make(name, raw, **config)`: a folder with a pipeline and annotated documents, with as many
    raw ones beside them if that is wanted. The more probable half of the predictions is right."""

    def write(name: str, raw: bool = False, **config: Any) -> Path:
        nlp, key = spacy.blank("xx"), config.get("spans_key", "sc")
        lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
        pipe: Any = nlp.add_pipe(
            "generative_ner", config={"labels": ["ORG", "GPE"], "model": {"lm": lm}, **config}
        )
        pipe.threshold, threshold = 0.0, pipe.threshold
        texts = [f"The University of Edinburgh is in Leeds, number {i}." for i in range(8)]
        golds = list(nlp.pipe(texts))
        for doc in golds:
            pairs = zip(doc.spans[key].attrs["scores"], doc.spans[key], strict=True)
            ranked = [span for _, span in sorted(pairs, key=lambda pair: -pair[0])]
            doc.spans[key] = ranked[: max(1, len(ranked) // 2)]
        (tmp_path / name).mkdir()
        DocBin(docs=[*golds, *map(nlp.make_doc, texts * raw)]).to_disk(
            tmp_path / name / "dev.spacy"
        )
        pipe.threshold = threshold
        nlp.to_disk(tmp_path / name / "model")
        return tmp_path / name

    return write


def calibrated(folder: Path) -> tuple[Any, str]:
    """The component of the calibrated pipeline, and what the command printed."""
    code, output = run(folder / "model", folder / "dev.spacy", folder / "calibrated")
    assert code == 0, output
    return spacy.load(folder / "calibrated").get_pipe("generative_ner"), output


def test_saves_a_pipeline_with_other_scores(make: Make) -> None:
    pipe, output = calibrated(make("plain"))
    before, after = (
        float(output.split(kind)[1].split()[1]) for kind in ("as they are", "cross-validated")
    )
    assert after < before, "Brier scores"
    assert "are few to fit a curve to" in output
    assert pipe.cfg["calibration"] is not None


@pytest.mark.parametrize("config", [{"raw": True}, {"threshold": 0.5}, {"spans_key": "other"}])
def test_the_curve_depends_on_scores_and_annotation_alone(
    make: Make, config: dict[str, Any]
) -> None:
    """Not on documents that are not annotated, nor on what the threshold leaves of the spans."""
    pipe, _ = calibrated(make("other", **config))
    assert pipe.cfg["calibration"] == calibrated(make("plain"))[0].cfg["calibration"]
    assert pipe.threshold == config.get("threshold", 0.0)


def test_another_component(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=[nlp("a")]).to_disk(tmp_path / "dev.spacy")
    code, output = run(
        tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "out", "--component", "sentencizer"
    )
    assert code == 1 and "is a Sentencizer: give" in output


def test_no_such_component(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path / "model")
    DocBin(docs=[spacy.blank("xx")("a")]).to_disk(tmp_path / "dev.spacy")
    code, output = run(tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "out")
    assert code == 1
    assert "no component 'generative_ner'" in output


def test_a_fit_that_is_worse_on_new_documents_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make("plain")
    monkeypatch.setattr(
        "spacy_genner.cli.calibrate.cross_validated", lambda scores, *_: [1.0 - p for p in scores]
    )
    code, output = run(folder / "model", folder / "dev.spacy", folder / "calibrated")
    assert (
        code == 1
        and "makes the scores of" in output
        and "worse on documents that it has not seen" in output
    )
    assert not (folder / "calibrated").exists()
