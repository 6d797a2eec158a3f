"""What a span may not cross, what a model sees of lines, and what it has positions for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_genner.lm.causal_steps import CausalSession
from spacy_genner.pipeline.docs import Reading
from spacy_genner.types import Entity
from tests.formats.table import TYPES
from tests.pipeline.scripted import add_scripted, marked
from tests.pipeline.test_learning import example, learnt

TEXT = "Ann Lee left. Leeds is old. University of Edinburgh. Mrs O'Neil sold it. No comment."


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def crossing(doc: Doc) -> list[str]:
    """The spans that go on across the start of a sentence."""
    return [span.text for span in doc.spans["sc"] if any(token.is_sent_start for token in span[1:])]


@pytest.mark.parametrize("format", [each.__name__ for each in TYPES])
def test_no_span_of_a_network_crosses_the_start_of_a_sentence(
    nlp: Language, add_tiny: Callable[..., Any], format: str
) -> None:
    nlp.add_pipe("sentencizer")
    format_config = {"@misc": f"spacy_genner.{format}.v1"}
    add_tiny(nlp, "bound", model={"format": format_config}, spans_key="sc")
    docs = list(nlp.pipe([TEXT, TEXT[14:], TEXT.replace(".", " .")]))
    assert any(len(doc.spans["sc"]) for doc in docs)
    assert [crossing(doc) for doc in docs] == [[], [], []]


def test_with_the_setting_off_or_without_sentences_spans_are_free(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    add_tiny(nlp)
    free = marked(nlp(TEXT))
    nlp.add_pipe("sentencizer", first=True)
    assert marked(nlp(TEXT)) != free
    off = spacy.blank("xx")
    off.add_pipe("sentencizer")
    add_tiny(off, sentence_starts=False)
    doc = off(TEXT)
    assert marked(doc) == free and crossing(doc)


def test_lines_are_seen_or_not(nlp: Language) -> None:
    """Two names on two lines: what the model is given tells them apart."""
    text = "Ann\nLee and\n\nBob"
    seen, unseen = add_scripted(nlp), add_scripted(nlp, "other", line_breaks=False)
    nlp(text)
    [[(source, _)]], [[(plain, _)]] = seen.model.attrs["batches"], unseen.model.attrs["batches"]
    assert source.spaces == (0, 2, 1, 3) and plain.spaces == (0, 1, 1, 1)


def test_settings_hold_from_initialize_on(nlp: Language) -> None:
    component = add_scripted(nlp, sentence_starts=False)
    assert component.reading == Reading(sentence_starts=False)
    component.cfg |= {"sentence_starts": True, "line_breaks": False}  # as a pipeline that is loaded
    assert component.reading == Reading(line_breaks=False)
    component.initialize(lambda: [example(nlp, "Leeds", [])])
    assert component.reading == Reading(sentence_starts=False)


def test_a_pipeline_from_before_the_settings_reads_as_it_did(
    nlp: Language, add_tiny: Callable[..., Any], tmp_path: Any
) -> None:
    add_tiny(nlp)
    nlp.to_disk(tmp_path)
    path = tmp_path / "generative_ner" / "cfg"
    srsly.write_json(path, {"labels": {"ORG": ""}, "calibration": None})
    component: Any = spacy.load(tmp_path).get_pipe("generative_ner")
    assert component.reading == Reading(sentence_starts=False, line_breaks=False)
    assert component.model.attrs["scoring"] == "moves"
    component.calibrate(None)
    assert component.model.attrs["scoring"] == component.cfg["scoring"] == "own"


@pytest.mark.parametrize("predicted", [None, [True, False, False, True]])
def test_training_takes_the_sentences_of_the_text_before_those_of_the_reference(
    nlp: Language, predicted: list[bool] | None
) -> None:
    component = add_scripted(nlp)
    words = ["Ann", "Lee", "of", "Leeds"]
    reference = Doc(nlp.vocab, words, sent_starts=[True, True, False, False])
    reference.spans["sc"] = [Span(reference, 0, 2, "ORG"), Span(reference, 2, 4, "GPE")]
    given = Example(Doc(nlp.vocab, words, sent_starts=predicted), reference)
    kept = [Entity(0, 2, "ORG")] if predicted else [Entity(2, 4, "GPE")]
    with pytest.warns(UserWarning, match="1 across sentences"):
        assert learnt(component, given) == [("Ann Lee of Leeds", kept)]
    [[(source, _, _)]] = component.model.attrs["batches"]
    assert source.starts == tuple(predicted or [True, True, False, False])


@pytest.mark.parametrize("longest", [5, 3, 1])
def test_gold_whose_answer_would_be_too_long_is_learnt_in_halves(
    nlp: Language, longest: int
) -> None:
    component = add_scripted(nlp)
    component.model.attrs["longest"] = longest
    given = example(
        nlp, "a Leeds b c Leeds d e Leeds", [(place, place + 1, "GPE") for place in (1, 4, 7)]
    )
    parts = learnt(component, given)
    assert all(len(text.split()) <= longest for text, _ in parts)
    assert [text.split()[e.start] for text, gold in parts for e in gold] == ["Leeds"] * 3


def test_no_id_is_read_beyond_the_positions_of_the_model(
    nlp: Language, add_tiny: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 tokens of 90 hexadecimal digits each, and a random network that opens a span wherever it
    can."""
    component, extend, reached = (
        add_tiny(nlp, model={"format": {"max_depth": 2}}),
        CausalSession.extend,
        [0],
    )

    def watched(self: CausalSession, chunks: Any) -> Any:
        hidden = extend(self, chunks)
        reached.append(int(self.after.max()))
        return hidden

    monkeypatch.setattr(CausalSession, "extend", watched)
    doc = nlp(" ".join(f"{n:090x}" for n in range(60)))
    assert 1024 < max(reached) <= component.model.shims[0].lm.positions == 2048
    assert doc.spans["sc"] is not None


def test_a_prompt_that_is_too_long_is_an_error_of_its_document_alone(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    add_tiny(nlp)
    failed = list[str]()
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append(str(error)))
    docs = [nlp.make_doc(TEXT) for _ in range(3)]
    docs[1]._.genner_labels = {"ORG": "word " * 10_000}
    assert len(list(nlp.pipe(docs))) == 2
    assert (
        len(failed) == 1
        and "the prompt with the labels ORG takes" in failed[0]
        and "2,048 positions" in failed[0]
    )
