from types import SimpleNamespace
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_genner.answers import Repairs
from spacy_genner.evaluation.running import (
    annotated,
    evaluate,
    gold_documents,
    outcomes,
    repairs_of,
    summary,
    training_names,
)
from tests.evaluation.ruled import PATTERNS, examples, gold_docs, pipeline
from tests.pipeline.scripted import TEXT, add_scripted


@pytest.mark.parametrize(
    ("repairs", "counted"), [(Repairs(grown=2), True), (7, False), (None, False)]
)
def test_only_counts_of_repairs_are_taken_for_such(repairs: Any, counted: bool) -> None:
    nlp = spacy.blank("en")
    pipe = add_scripted(nlp)
    pipe.model.attrs["decoder"] = SimpleNamespace(repairs=repairs)
    found = repairs_of(nlp)
    assert (pipe.name in found) == counted
    assert not counted or found[pipe.name]["grown"] == 2


def test_spans_are_scored_nested_ones_too() -> None:
    nlp = pipeline("span_ruler")
    result = evaluate(nlp, examples(nlp))
    assert result.layers == {"gold": "spans", "predicted": "spans"}
    total, nested = result.scores.total, result.scores.nesting["nested"]
    assert (total.predicted, total.correct, total.gold, total.found) == (3, 2, 4, 2)
    assert (nested.p, nested.r) == (1, 1)


def test_lengths_count_the_tokens_of_the_gold_data() -> None:
    nlp = pipeline("span_ruler")
    lengths = evaluate(nlp, examples(nlp)).scores.lengths
    assert {length: of.gold for length, of in lengths.items()} == {"1 token": 3, "3 tokens": 1}


def test_the_metrics_have_the_predictions_in_characters() -> None:
    nlp = pipeline("span_ruler")
    predictions = summary(nlp, evaluate(nlp, examples(nlp)))["predictions"]
    assert predictions == [[(4, 27, "ORG"), (18, 27, "GPE")], [(0, 7, "GPE")], []]


def test_gold_documents_have_no_predictions() -> None:
    documents = gold_documents(examples(pipeline("span_ruler")), "sc")
    assert [len(document.gold) for document in documents] == [2, 2, 0]
    assert documents[1].text == "Lothian is near Leith." and not documents[1].predicted


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
    words = sum(map(len, gold_docs()))
    assert metrics["words_per_second"] == pytest.approx(words / metrics["seconds"])
    assert metrics["peak_memory_mib"] > 50
    stored = metrics["per_document"]
    assert (stored["predicted"], stored["correct"], stored["gold"]) == (
        [2, 1, 0],
        [2, 0, 0],
        [2, 2, 0],
    )
    assert (
        metrics["spacy_version"] == spacy.__version__ and metrics["version"] == nlp.meta["version"]
    )


def test_documents_without_gold_annotation_are_left_out() -> None:
    nlp = spacy.blank("en")
    raw, empty, spans = nlp("Lothian"), nlp("Lothian"), gold_docs()[0]
    empty.ents = []
    pairs = [Example(nlp.make_doc(doc.text), doc) for doc in (raw, empty, spans)]
    assert annotated(pairs, "sc") == pairs[1:] and annotated(pairs, "typo") == pairs[1:2]


def test_no_gold_annotation_at_all_is_an_error() -> None:
    nlp = spacy.blank("en")
    doc = nlp("Lothian")
    with pytest.raises(ValueError, match=r"none of the 1 gold documents has doc\.spans\['sc'\]"):
        annotated([Example(nlp.make_doc(doc.text), doc)], "sc")


def test_outcomes_pair_scores_with_gold_spans() -> None:
    nlp = spacy.blank("xx")
    add_scripted(nlp)
    gold = nlp.make_doc(TEXT)
    gold.spans["sc"] = [Span(gold, 10, 11, "GPE"), Span(gold, 0, 1, "ORG")]
    assert gold[10:11].text == "Leeds"
    result = evaluate(nlp, [spacy.training.Example(nlp.make_doc(TEXT), gold)])
    found = outcomes(result)
    assert found.documents.tolist() == [0] * 4
    scores = found.scores.round(3).tolist()
    rows = zip(scores, found.correct.tolist(), found.labels.tolist(), strict=True)
    assert sorted(rows) == [
        (0.25, True, "GPE"),
        (0.5, False, "ORG"),
        (0.9, False, "GPE"),
        (0.9, False, "GPE"),
    ]
    assert found.gold == {"GPE": 1, "ORG": 1}
