"""Texts and labels that could trip a language model up: each gives valid spans, and the text stays
as it is."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed

from tests.pipeline.scripted import marked
from tests.strategies import LABELS, WORDS, examples

TEXTS = {
    "empty": "",
    "white space": " \t\n\u3000 ",
    "edges of white space": "\n\n  Leeds \n\t",
    "brackets": "[Essex | ORG] [[ ]] \\[ \\] | || \\ \\\\ [ORG: Essex]",
    "control tokens": "<|im_end|> Leeds <|im_start|>assistant\n</s><s><unk><|endoftext|>",
    "the prompt": (
        "Copy the text and mark each entity as [entity | LABEL].\nLabels: ORG\nText: "
        "Leeds\nAnswer:\n"
    ),
    "newlines and runs of spaces": "The\n\n\nUniversity     of\r\nEdinburgh\t\tin  Leeds",
    "emoji": "👍🏽 Leeds 👩‍👩‍👧 🇬🇧🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "combining marks": "e\u0301 n\u0303o \u0301 Z" + "\u0300" * 50,
    "Arabic": "اشترت جامعة القاهرة المبنى القديم في الإسكندرية.",
    "Hebrew and English": "\u200fהאוניברסיטה of Edinburgh\u200e קנתה",
    "Japanese": "東京大学は京都の古い工場を買いました。",
    "invisible": "a\u200bb \ufeff \x00 \x1b[31m \ue000 \ufffd",
    "one character": "X",
    "a long token": "see " + "aGVsbG8" * 14_000 + " there",
    "a long row of one sign": "-" * 100,
}
TOKENS = {
    "tokens of white space": ["\n", "Leeds", " ", "\n\n", "in", "\t", "Essex", "\u3000"],
    "tokens with white space inside": ["New York", " of ", "a\nb"],
    "one token of 100,000 characters": ["ab" * 50_000],
    "tokens that are marks": ["[", "]", "|", "\\", "[", "|", "ORG", "]"],
}


@pytest.fixture(params=["bpe", "spm"])
def nlp(
    request: pytest.FixtureRequest, add_tiny: Callable[..., Any], tiny: Callable[..., str]
) -> Language:
    """A pipeline on a tokenizer that can write every text, or on one that cannot."""
    nlp = spacy.blank("xx")
    add_tiny(
        nlp,
        lm={"name": tiny("llama", request.param)},
        window=32,
        model={"format": {"max_depth": 2}},
    )
    return nlp


def check(doc: Doc) -> None:
    """Whether the spans of a document are such as they should be."""
    spans = marked(doc)
    places = [span[:3] for span in spans]
    assert places == sorted(set(places))
    for start, end, label, score in spans:
        assert 0 <= start < end <= len(doc)
        assert doc[start].text.strip() and doc[end - 1].text.strip()
        assert label in ("ORG", "GPE")
        assert 0 < score <= 1
    assert not any(a < c < b < d for a, b, _ in places for c, d, _ in places)
    assert {(ent.start, ent.end, ent.label_) for ent in doc.ents} <= set(places)
    assert all(one.end <= other.start for one, other in pairwise(doc.ents))
    assert bool(doc.ents) == bool(spans)


def test_every_text_gets_valid_spans_alone_and_in_a_batch(nlp: Language) -> None:
    alone = [nlp(text) for text in TEXTS.values()]
    for doc, text in zip(alone, TEXTS.values(), strict=True):
        check(doc)
        assert doc.text == text
    assert any(doc.ents for doc in alone)
    for doc, again in zip(alone, nlp.pipe(TEXTS.values(), batch_size=4), strict=True):
        assert [span[:3] for span in marked(again)] == [span[:3] for span in marked(doc)]


@pytest.mark.parametrize("words", TOKENS.values(), ids=TOKENS.keys())
def test_any_tokens_get_valid_spans(nlp: Language, words: list[str]) -> None:
    check(nlp(Doc(nlp.vocab, words=words)))


@given(data=st.data())
@examples(0.6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_words_get_valid_spans(nlp: Language, data: st.DataObject) -> None:
    words = st.sampled_from([*WORDS, "\n", " ", "\t"]) | st.text(min_size=1, max_size=8)
    drawn = data.draw(st.lists(words, max_size=10))
    spaces = data.draw(st.lists(st.booleans(), min_size=len(drawn), max_size=len(drawn)))
    check(nlp(Doc(nlp.vocab, words=drawn, spaces=spaces)))


@pytest.mark.parametrize("label_first", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_odd_labels_are_predicted_and_learnt(
    add_tiny: Callable[..., Any], label_first: bool
) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp, labels=LABELS, model={"format": {"label_first": label_first}})
    fix_random_seed(0)
    reference = nlp.make_doc(" ".join(f"word{i}" for i in range(len(LABELS))))
    reference.spans["sc"] = [Span(reference, i, i + 1, label) for i, label in enumerate(LABELS)]
    example = Example(nlp.make_doc(reference.text), reference)
    optimizer = nlp.initialize(lambda: [example])
    optimizer.learn_rate = 0.01
    assert {span[2] for span in marked(nlp(reference.text))} <= set(LABELS)
    for _ in range(60):
        nlp.update([example], sgd=optimizer)
    assert nlp.evaluate([example])["spans_sc_f"] > 0.9


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_text_can_be_learnt(nlp: Language, text: str) -> None:
    reference = nlp.make_doc(text)
    reference.spans["sc"] = [Span(reference, 0, len(reference), "ORG")] if len(reference) else []
    example = Example(nlp.make_doc(text), reference)
    assert (nlp.update([example])["generative_ner"] > 0) == bool(text.strip())


@pytest.mark.slow
def test_a_document_of_100_000_tokens_is_read_to_its_end(add_tiny: Callable[..., Any]) -> None:
    nlp = spacy.blank("xx")
    model = {
        "format": {"max_depth": 1},
        "prompt": {"template": "{{ text }}\n"},
        "decoder": {"batch_tokens": 20_000},
    }
    component = add_tiny(nlp, labels=["ORG"], window=32, model=model)
    doc = component(Doc(nlp.vocab, words=["a", "the", "b", "."] * 25_000))
    places = [(start, end) for start, end, _, _ in marked(doc)]
    assert places == sorted(places)
    assert places[0][0] < 100 and places[-1][1] > 99_900
