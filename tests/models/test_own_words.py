"""A language model with words of its own for labels: prompts and answers have the words, and
everything else the labels."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from thinc.api import Model

from spacy_genner.answers import Repairs
from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.drafting import train_drafts
from spacy_genner.models.generative import (
    build_generative_ner,
    expressible,
    outgrows,
    set_labels,
    set_shots,
    speller_of,
)
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import FewShot
from spacy_genner.types import Entity, Source
from spacy_genner.weights.tuning import FullTuning
from tests.formats.table import LEARNT
from tests.models.says import Says
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, scores, source

WORDS = {"town": "GPE", "company": "ORG", "group": "ORG", "animal": "FOX"}
"""GPE and ORG have other names, ORG even two; PER has none, and FOX is not asked for."""
TEXT, (ORG, GPE) = GOLDS[0]


@pytest.fixture
def network(tiny_lm: Callable[..., Any]) -> Callable[..., Model[Any, Any]]:
    """`network(format, prompt, decoder, words)`: with labels, not yet trained."""

    def make(
        format: Any = None, prompt: Any = None, decoder: Any = None, words: Any = WORDS
    ) -> Model[Any, Any]:
        model = build_generative_ner(
            tiny_lm(tuning=FullTuning()),
            format or InlineBracketed(),
            prompt or Instruction(),
            decoder or GreedyDecoder(),
            "tokens",
            label_words=words,
        )
        set_labels(model, LABELS)
        return model

    return make


def read(model: Model[Any, Any], labels: dict[str, str] | None = None) -> tuple[str, str]:
    """What the language model reads for a text, and what it is to answer to it."""
    gold = [entity for entity in (ORG, GPE) if entity.label in (labels or LABELS)]
    target, lm = speller_of(model, labels).target(TEXT, gold), model.shims[0].lm
    return lm.pieces.decode([*target.prefix, *target.prompt]), lm.pieces.decode(target.answer)


def test_prompt_and_answer_have_the_words(network: Callable[..., Model[Any, Any]]) -> None:
    prompt, answer = read(network())
    assert "\nLabels: company, group, town (a place), PER\nText: The" in prompt
    assert answer == "The [University of [Edinburgh | town] | company] bought it ."


def test_without_words_nothing_changes(network: Callable[..., Model[Any, Any]]) -> None:
    own = {"ORG": "ORG", "GPE": "GPE"}
    assert read(network(words=own)) == read(network(words=None)) == read(network(words={}))


def test_a_label_set_of_its_own(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    assert "\nLabels: town (a city)\nText" in read(model, {"GPE": "a city"})[0]
    fox = {"town": "", "FOX": "", "ORG": "a firm"}
    prompt, answer = read(model, fox)
    assert "\nLabels: town, animal, company (a firm), group (a firm)\nText" in prompt
    assert answer == "The [University of Edinburgh | company] bought it ."
    found = model.predict([TEXT, (TEXT, fox), (TEXT, {"GPE": ""})])
    for labels, entities in zip((LABELS, fox, {"GPE": ""}), found, strict=True):
        assert entities, "a random model finds something each time"
        assert {entity.label for entity in entities} <= labels.keys()


@pytest.mark.parametrize("format", LEARNT, ids=str)
def test_it_learns_with_words(network: Callable[..., Model[Any, Any]], format: Format) -> None:
    model = network(format)
    golds = [(text, expressible(model, text, gold, LABELS)[0]) for text, gold in GOLDS]
    plain = [(text, format.grammar(text, LABELS).expressible(gold)[0]) for text, gold in GOLDS]
    assert golds == plain
    learn(model, 70, golds=golds)
    expected, found = [sorted(entities) for _, entities in golds], list[Any]()
    free = FreeDecoder()
    for decoder in (GreedyDecoder(), SpeculativeDecoder(), free):
        model.attrs["decoder"] = decoder
        found.append(model.predict(SOURCES))
        assert found[-1] == expected
    assert free.repairs == Repairs()
    for others in found[1:]:
        for row, other in zip(scores(found[0]), scores(others), strict=True):
            assert other == pytest.approx(row, rel=1e-3)
    copies = [model.copy(), pickle.loads(pickle.dumps(model))]
    assert all(copy.predict(SOURCES) == expected for copy in copies)


def test_a_free_answer_that_is_broken_is_read_by_the_words(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network()
    job = speller_of(model).job(TEXT)
    ids = job.encode("the [University of [edinburgh|town] | Group] bought [it | ORG] .")
    entities, repairs = job.read(ids)
    assert speller_of(model).meant(entities) == [Entity(1, 4, "ORG"), Entity(3, 4, "GPE")]
    assert repairs.unknown == 1, "the name of the label is not the word for it"


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.4), (0.4, 0.9)])
def test_of_two_words_of_a_label_the_more_probable_stays(
    network: Callable[..., Model[Any, Any]], first: float, second: float
) -> None:
    said = [
        Entity(1, 4, "company", first),
        Entity(1, 4, "group", second),
        Entity(3, 4, "town", 0.5),
    ]
    model = network(decoder=Says(said))
    [found] = model.predict([TEXT])
    assert found == [Entity(1, 4, "ORG"), Entity(3, 4, "GPE")]
    assert scores([found]) == [pytest.approx([max(first, second), 0.5])]


def test_gold_entities_are_refused_by_their_labels(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(format=BIO())
    strange = Entity(0, 1, "company")
    with pytest.raises(ValueError, match=r"label='company'.*unknown label"):
        model.begin_update([(TEXT, [strange])])
    assert expressible(model, TEXT, [ORG, GPE, strange], LABELS) == (
        [ORG],
        [(GPE, "too deep"), (strange, "unknown label")],
    )


def test_a_longer_word_takes_more_positions(
    network: Callable[..., Model[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(words={"a very long word " * 20: "ORG"})
    lm = type(model.shims[0].lm)
    target = speller_of(model).target(TEXT, [ORG])
    length = len(target.prefix) + len(target.prompt) + len(target.answer)
    for positions, outgrown in ((length, False), (length - 1, True)):
        monkeypatch.setattr(lm, "positions", float(positions))
        set_labels(model, LABELS)  # makes the speller anew
        assert outgrows(model, TEXT, [ORG], LABELS) == outgrown
        assert not outgrows(model, TEXT, [GPE], LABELS)


def test_shots_are_answered_with_words(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(prompt=Instruction(shots=FewShot(1)))
    set_shots(model, [(TEXT, (ORG, GPE, Entity(0, 1, "company")))])
    answer = "The [University of [Edinburgh | town] | company] bought it ."
    assert f"\nAnswer:\n{answer}\nText: " in read(model)[0]


def test_a_draft_head_learns_words(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(decoder=SpeculativeDecoder())
    learn(model, 20)
    expected = model.predict(SOURCES)
    train_drafts(model, GOLDS, epochs=2)
    patterns = model.shims[0].lm.draft_head.patterns
    marks = {label for pattern in patterns for _, label in pattern}
    assert marks == {None, "company", "town", "PER"}
    assert model.predict(SOURCES) == expected


def test_words_that_cannot_be_told_apart(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(words={"PER": "ORG"})
    for use in (model.initialize, lambda: model.predict([TEXT])):
        with pytest.raises(
            ValueError, match="words 'PER' and 'PER' for the labels 'ORG' and 'PER'"
        ):
            use()
    assert model.predict([(source("no comment"), {"ORG": ""})])
    with pytest.raises(ValueError, match="label_words: label '' is empty"):
        network(words={"company": ""})


def test_the_same_words_for_other_labels(network: Callable[..., Model[Any, Any]]) -> None:
    """Two label sets that look alike to the language model are kept apart."""
    model = network(decoder=Says([Entity(1, 4, "company", 0.5)]))
    found = model.predict([(TEXT, {"ORG": ""}), (TEXT, {"company": ""})])
    assert found == [[Entity(1, 4, "ORG")], [Entity(1, 4, "company")]]


def test_an_empty_source(network: Callable[..., Model[Any, Any]]) -> None:
    assert network().predict([Source((), ())]) == [[]]
