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
from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.running import annotated
from tests.evaluation.ruled import gold_docs, pipeline
from tests.pipeline.scripted import add_scripted


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a pipeline and gold documents."""
    pipeline("span_ruler").to_disk(tmp_path / "model")
    DocBin(docs=gold_docs()).to_disk(tmp_path / "gold.spacy")
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    result = CliRunner().invoke(app, ["genner", "evaluate", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_repairs_of_free_answers_are_counted(files: Path, tiny: Callable[..., str]) -> None:
    nlp = spacy.blank("en")
    decoder = {"@misc": "spacy_genner.FreeDecoder.v1"}
    model = {"lm": {"name": tiny(), "dtype": "float32", "device": "cpu"}, "decoder": decoder}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": model}).model.initialize()
    nlp.to_disk(files / "free")
    code, printed = run(files / "free", files / "gold.spacy", "--output", files / "metrics.json")
    assert code == 0 and "repairs of generative_ner" in printed
    repairs = json.loads((files / "metrics.json").read_text())["repairs"]
    assert repairs.keys() == {"generative_ner"} and sum(repairs["generative_ner"].values())


def test_the_reliability_of_scores_is_reported(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores 0.9 and 0.5 of right spans, and 0.25 of a wrong one."""
    nlp = spacy.blank("en")
    script = [["University of Edinburgh", "ORG", 0.5], ["Edinburgh", "GPE", 0.9]]
    add_scripted(nlp, script=[*script, ["Leith", "ORG", 0.25]])
    monkeypatch.setattr("spacy_genner.cli.evaluate.load", lambda *_: nlp)
    output, html = files / "metrics.json", files / "page.html"
    code, printed = run("model", files / "gold.spacy", "--output", output, "--html", html)
    found = json.loads(output.read_text())["reliability"]
    assert code == 0 and found.keys() == {"total", "types"}
    assert found["total"]["spans"] == 3 and found["types"].keys() == {"GPE", "ORG"}
    assert found["total"]["ece"] == pytest.approx((0.1 + 0.5 + 0.25) / 3)
    assert found["total"]["brier"] == pytest.approx((0.1**2 + 0.5**2 + 0.25**2) / 3)
    assert found["total"]["aurc"] == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert found["total"]["bins"][0] == {"spans": 1, "score": 0.25, "correct": 0.0}
    assert found["total"]["risk_coverage"][-1] == pytest.approx([1.0, 1 / 3])
    chance = {name: f"{its['chance']:.3f}" for name, its in found["types"].items()}
    assert f"scores of all 3 0.283 {found['total']['chance']:.3f} 0.108 0.111" in printed
    assert f"GPE 1 0.100 {chance['GPE']} 0.010 0.000" in printed
    assert "<h2>Reliability of scores</h2>" in html.read_text(encoding="utf-8")


def test_a_pipeline_without_scores_has_no_reliability(files: Path) -> None:
    output = files / "metrics.json"
    code, printed = run(files / "model", files / "gold.spacy", "--output", output)
    assert code == 0 and json.loads(output.read_text())["reliability"] is None
    assert "calibration error" not in printed


def test_the_command_prints_and_writes_everything(files: Path) -> None:
    log = files / "log.jsonl"
    log.write_text('{"step": 10, "losses": {"ner": 2.5}, "score": 0.25}\n', encoding="utf-8")
    output, html = files / "new" / "metrics.json", files / "new" / "page.html"
    options = [
        "--train",
        files / "gold.spacy",
        "--training-log",
        log,
        "-o",
        output,
        "--html",
        html,
        "--name",
        "mine",
    ]
    code, printed = run(files / "model", files / "gold.spacy", *options)
    assert code == 0, printed
    assert (
        "total 66.7 50.0 57.1" in printed
        and "gold spans from doc.spans, predicted ones from doc.spans" in printed
    )
    metrics: dict[str, Any] = json.loads(output.read_text("utf-8"))
    assert metrics["name"] == "mine" and metrics["total"]["f"] == pytest.approx(4 / 7)
    assert metrics["names"]["seen"]["gold"] == 4 and metrics["names"]["unseen"]["r"] == 0
    assert "label and boundary missed spurious" in printed and "total 2 1 0 0 1 0" in printed
    assert metrics["errors"]["total"] == {
        "correct": 2,
        "label": 1,
        "boundary": 0,
        "label and boundary": 0,
        "missed": 1,
        "spurious": 0,
    }
    assert metrics["errors"]["types"].keys() == {"GPE", "ORG"}
    assert metrics["errors"]["confusion"] == {
        "labels": ["GPE", "ORG"],
        "counts": [[1, 0, 0, 1], [1, 1, 0, 0], [0] * 4, [0] * 4],
    }
    assert list(metrics["lengths"]) == ["1 token", "3 tokens"]
    assert metrics["depths"]["depth 2"]["f"] == 1
    page = html.read_text("utf-8")
    assert "<h2>Kinds of errors</h2>" in page and "Confusion of labels" in page
    assert (
        "mine on gold.spacy" in page
        and "best 25.0 at step 10" in page
        and page.count("<section") == 3
    )


def test_the_page_and_the_evaluation_can_be_limited(files: Path) -> None:
    html = files / "page.html"
    assert run(files / "model", files / "gold.spacy", "--html", html, "--html-limit", 2)[0] == 0
    assert html.read_text("utf-8").count("<section") == 2
    assert "1 documents in" in run(files / "model", files / "gold.spacy", "--limit", 1)[1]


def test_documents_without_gold_annotation_are_not_scored(files: Path) -> None:
    nlp = spacy.blank("en")
    empty, spans = nlp("Lothian"), gold_docs()[0]
    empty.ents = []
    DocBin(docs=[nlp("Lothian"), empty, spans]).to_disk(files / "mixed.spacy")
    examples = read_corpus(files / "mixed.spacy", nlp)
    assert (
        annotated(examples, "sc") == examples[1:] and annotated(examples, "typo") == examples[1:2]
    )
    code, printed = run(files / "model", files / "mixed.spacy", "--output", files / "metrics.json")
    assert code == 0 and "1 of 3 documents have no gold annotation: not scored" in printed
    metrics = json.loads((files / "metrics.json").read_text("utf-8"))
    assert (metrics["documents"], metrics["total"]["predicted"], metrics["total"]["correct"]) == (
        2,
        3,
        2,
    )


def test_a_pipeline_that_predicts_nothing_is_pointed_at(files: Path) -> None:
    code, printed = run(files / "model", files / "gold.spacy", "--predicted", "ents")
    assert code == 0 and "predicted nothing there: check --predicted and --spans-key sc" in printed


def test_bad_input_ends_before_the_pipeline_runs(files: Path) -> None:
    model, gold, bad = files / "model", files / "gold.spacy", files / "bad.spacy"
    bad.write_bytes(b"no")
    for arguments, message in [
        ((files / "none", gold), "none"),
        ((model, files / "none.spacy"), "does not exist"),
        ((model, bad), "cannot be read as .spacy data"),
        ((model, gold, "--train", bad), "cannot be read as .spacy data"),
        ((model, gold, "--training-log", bad), "bad.spacy, line 1"),
        ((model, gold, "--predicted", "tokens"), "tokens"),
        (
            (model, gold, "--spans-key", "typo"),
            "none of the 3 gold documents has doc.spans['typo']",
        ),
        ((model, gold, "--limit", -1), "limit"),
    ]:
        code, printed = run(*arguments)
        assert code != 0 and message in printed and "doc/s" not in printed, printed
