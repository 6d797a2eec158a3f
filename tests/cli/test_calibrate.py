from collections.abc import Callable
from pathlib import Path

import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.cli._evaluation import evaluate
from spacy_genner.cli.calibrate import outcomes
from tests.pipeline.scripted import TEXT, add_scripted


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "calibrate", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_outcomes_pair_scores_with_gold_spans() -> None:
    nlp = spacy.blank("en")
    add_scripted(nlp)
    gold = nlp.make_doc(TEXT)
    gold.spans["sc"] = [Span(gold, 10, 11, "GPE"), Span(gold, 0, 1, "ORG")]
    assert gold[10:11].text == "Leeds"
    result = evaluate(nlp, [spacy.training.Example(nlp.make_doc(TEXT), gold)])
    scores, correct = outcomes(result)
    pairs = sorted((round(score, 3), right) for score, right in zip(scores, correct, strict=True))
    assert pairs == [(0.25, True), (0.5, False), (0.9, False), (0.9, False)]


def test_saves_a_pipeline_with_other_scores(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "GPE"], "model": {"lm": lm}})
    texts = [f"The University of Edinburgh is in Leeds, number {i}." for i in range(8)]
    golds = []
    for doc in nlp.pipe(texts):  # the more probable half of the predictions is right
        ranked = sorted(zip(doc.spans["sc"].attrs["scores"], doc.spans["sc"], strict=True), key=lambda pair: -pair[0])
        doc.spans["sc"] = [span for _, span in ranked[: max(1, len(ranked) // 2)]]
        golds.append(doc)
    DocBin(docs=golds).to_disk(tmp_path / "dev.spacy")
    nlp.to_disk(tmp_path / "model")
    code, output = run(tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "calibrated")
    assert code == 0, output
    before, after = (float(output.split(f" {word}")[0].split()[-1]) for word in ("before", "after"))
    assert after <= before
    assert spacy.load(tmp_path / "calibrated").get_pipe("generative_ner").cfg["calibration"] is not None


def test_no_such_component(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "model")
    DocBin(docs=[spacy.blank("en")("a")]).to_disk(tmp_path / "dev.spacy")
    code, output = run(tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "out")
    assert code == 1
    assert "no component 'generative_ner'" in output
