import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.running import annotated, evaluate, summary, training_names

PATTERNS = [
    {"label": "ORG", "pattern": "University of Edinburgh"},
    {"label": "GPE", "pattern": "Edinburgh"},
    {"label": "GPE", "pattern": "Lothian"},
]
GOLD = {
    "The University of Edinburgh is old.": [
        ("University of Edinburgh", "ORG"),
        ("Edinburgh", "GPE"),
    ],
    "Lothian is near Leith.": [("Lothian", "ORG"), ("Leith", "GPE")],
    "Nothing here.": [],
}


def pipeline(ruler: str) -> Language:
    nlp = spacy.blank("en")
    config = {"spans_key": "sc", "annotate_ents": False} if ruler == "span_ruler" else {}
    nlp.add_pipe(ruler, config=config).add_patterns(PATTERNS)
    return nlp


def gold_docs(key: str | None = "sc") -> list[Doc]:
    """The gold documents with their spans under a key, or the outer ones in doc.ents."""
    nlp, docs = spacy.blank("en"), []
    for text, marks in GOLD.items():
        doc = nlp(text)
        at = [(text.index(words), text.index(words) + len(words), label) for words, label in marks]
        spans = [doc.char_span(start, end, label=label) for start, end, label in at]
        if key:
            doc.spans[key] = spans
        else:
            doc.ents = spacy.util.filter_spans(spans)
        docs.append(doc)
    return docs


def examples(nlp: Language, key: str | None = "sc") -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in gold_docs(key)]


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


def test_spans_are_scored_nested_ones_too() -> None:
    nlp = pipeline("span_ruler")
    result = evaluate(nlp, examples(nlp))
    assert result.layers == {"gold": "spans", "predicted": "spans"}
    total, nested = result.scores.total, result.scores.nesting["nested"]
    assert (total.predicted, total.correct, total.gold, total.found) == (3, 2, 4, 2)
    assert (nested.p, nested.r) == (1, 1)


def test_a_pipeline_that_writes_ents_is_scored_against_the_same_gold() -> None:
    nlp = pipeline("entity_ruler")
    result = evaluate(nlp, examples(nlp))
    assert result.layers == {"gold": "spans", "predicted": "ents"}
    assert (
        result.scores.total.predicted,
        result.scores.total.correct,
        result.scores.total.gold,
    ) == (2, 1, 4)
    assert result.scores.nesting["nested"].r == 0


def test_gold_ents_are_read_where_there_are_no_gold_spans() -> None:
    nlp = pipeline("entity_ruler")
    result = evaluate(nlp, examples(nlp, key=None))
    assert result.layers["gold"] == "ents" and result.scores.total.gold == 3


def test_ents_can_be_asked_for() -> None:
    nlp = pipeline("span_ruler")
    nlp.add_pipe("entity_ruler").add_patterns(PATTERNS[:1])
    assert evaluate(nlp, examples(nlp)).scores.total.predicted == 3
    assert evaluate(nlp, examples(nlp), predicted="ents").scores.total.predicted == 1


def test_the_spans_key_counts_on_both_sides() -> None:
    nlp = pipeline("span_ruler")
    result = evaluate(nlp, examples(nlp, key="other"), spans_key="other")
    assert (
        result.layers == {"gold": "spans", "predicted": "ents"}
        and result.scores.total.predicted == 0
    )


def test_a_part_of_a_gold_token_is_not_right() -> None:
    """spaCy's own scorer would map it to the whole token."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Middle"}])
    gold = Doc(nlp.vocab, words=["in", "Middle-earth"], spaces=[True, False])
    gold.ents = [Span(gold, 1, 2, "GPE")]
    assert evaluate(nlp, [Example(nlp.make_doc(gold.text), gold)]).scores.total.correct == 0


def test_other_tokens_with_the_same_boundaries_are_right() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Middle-earth"}])
    gold = Doc(nlp.vocab, words=["in", "Middle-earth"], spaces=[True, False])
    gold.ents = [Span(gold, 1, 2, "GPE")]
    assert evaluate(nlp, [Example(nlp.make_doc(gold.text), gold)]).scores.total.f == 1


@Language.component("genner_test_returns_a_copy")
def returns_a_copy(doc: Doc) -> Doc:
    copy = doc.copy()
    copy.spans["sc"] = [copy[:1]]
    return copy


def test_a_component_may_return_another_doc() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("genner_test_returns_a_copy")
    assert evaluate(nlp, examples(nlp)).scores.total.predicted == 3


@Language.component("genner_test_fails_on_lothian")
def fails_on_lothian(doc: Doc) -> Doc:
    if "Lothian" in doc.text:
        raise RuntimeError("no")
    return doc


def test_a_document_that_fails_counts_as_one_without_predictions() -> None:
    nlp = pipeline("span_ruler")
    nlp.add_pipe("genner_test_fails_on_lothian")
    nlp.set_error_handler(lambda *_: None)
    result = evaluate(nlp, examples(nlp))
    assert result.failed == 1 and [len(found) for found in result.predicted] == [2, 0, 0]
    assert (result.scores.total.predicted, result.scores.total.gold) == (2, 4)


def test_names_of_the_training_part() -> None:
    nlp = spacy.blank("en")
    expected = {
        ("university of edinburgh", "ORG"),
        ("edinburgh", "GPE"),
        ("lothian", "ORG"),
        ("leith", "GPE"),
    }
    assert training_names(examples(nlp), "sc") == expected


def test_the_summary_names_the_system() -> None:
    nlp = pipeline("span_ruler")
    metrics = summary(nlp, evaluate(nlp, examples(nlp)))
    assert (
        "name" not in metrics
        and metrics["model"] == "en_pipeline"
        and metrics["components"] == ["span_ruler"]
    )
    assert (metrics["documents"], metrics["failed"]) == (3, 0)
    assert metrics["docs_per_second"] == pytest.approx(3 / metrics["seconds"])
    assert (
        metrics["spacy_version"] == spacy.__version__ and metrics["version"] == nlp.meta["version"]
    )


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
    page = html.read_text("utf-8")
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
