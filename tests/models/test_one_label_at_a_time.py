"""Answers that do not say the label: the language model is asked for one label at a time."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from thinc.api import Model

from spacy_genner.answers import Repairs
from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.drafting import train_drafts
from spacy_genner.models.generative import (
    build_generative_ner,
    expressible,
    outgrows,
    room,
    set_labels,
    set_shots,
    speller_of,
    spellers_of,
)
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import FewShot
from spacy_genner.types import Entity, Source
from spacy_genner.weights.tuning import FullTuning
from tests.models.says import Says
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, scores

TEXT, (ORG, GPE) = GOLDS[0]
MARKED = {
    "ORG": "The @@University of Edinburgh## bought it .",
    "GPE": "The University of @@Edinburgh## bought it .",
    "PER": "The University of Edinburgh bought it .",
}


@pytest.fixture
def network(tiny_lm: Callable[..., Any]) -> Callable[..., Model[Any, Any]]:
    """`network(**settings)`: with labels, not yet trained."""

    def make(
        max_depth: int = 4,
        prompt: Any = None,
        decoder: Any = None,
        loss: str = "tokens",
        words: Any = None,
    ) -> Model[Any, Any]:
        format = InlineBracketed(max_depth, opening="@@", closing="##", names_labels=False)
        model = build_generative_ner(
            tiny_lm(tuning=FullTuning()),
            format,
            prompt or Instruction(),
            decoder or GreedyDecoder(),
            loss,
            label_words=words,
        )
        set_labels(model, LABELS)
        return model

    return make


def read(model: Model[Any, Any], entities: Sequence[Entity] = (ORG, GPE)) -> dict[str, str]:
    """What the language model is to answer, by the line of the labels in its prompt."""
    decode, answers = model.shims[0].lm.pieces.decode, dict[str, str]()
    for speller in spellers_of(model):
        target = speller.target(TEXT, entities)
        prompt = decode([*target.prefix, *target.prompt])
        line = prompt[prompt.index("Labels: ") + len("Labels: ") :].split("\n")[0]
        answers[line] = decode(target.answer)
    return answers


def test_there_is_a_prompt_for_each_label(network: Callable[..., Model[Any, Any]]) -> None:
    assert read(network()) == {
        "ORG": MARKED["ORG"],
        "GPE (a place)": MARKED["GPE"],
        "PER": MARKED["PER"],
    }


def test_there_is_a_prompt_for_each_word(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(words={"company": "ORG", "group": "ORG", "town": "GPE"})
    assert read(model) == {
        "company": MARKED["ORG"],
        "group": MARKED["PER"],  # gold entities are written with the first word
        "town (a place)": MARKED["GPE"],
        "PER": MARKED["PER"],
    }


@pytest.mark.parametrize("loss", ["tokens", "decisions"])
def test_it_learns_spans_of_all_labels(network: Callable[..., Model[Any, Any]], loss: str) -> None:
    model = network(loss=loss, words={"company": "ORG"})
    untrained = model.predict(SOURCES)
    learn(model, 80)
    expected = [sorted(entities) for _, entities in GOLDS]
    greedy = model.predict(SOURCES)
    assert greedy == expected != untrained
    model.attrs["decoder"] = SpeculativeDecoder()
    for other in (model, model.copy(), pickle.loads(pickle.dumps(model))):
        assert other.predict(SOURCES) == expected
    assert scores(model.predict(SOURCES)) == [
        pytest.approx(row, rel=1e-3) for row in scores(greedy)
    ]


def test_what_was_learnt_is_written_freely(network: Callable[..., Model[Any, Any]]) -> None:
    free = FreeDecoder()
    model = network(decoder=free)
    learn(model, 80)
    assert model.predict(SOURCES) == [sorted(entities) for _, entities in GOLDS]
    assert free.repairs == Repairs()


def gradients(model: Model[Any, Any]) -> list[Any]:
    """The gradients of all weights, which are forgotten."""
    parameters = list(model.shims[0].lm.model.parameters())
    found = [weight.grad for weight in parameters]
    for weight in parameters:
        weight.grad = None
    return [grad.numpy() for grad in found if grad is not None]


def test_the_loss_of_a_text_is_the_sum_over_its_labels(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network()
    singly = []
    for text, entities in GOLDS[:2]:
        for label, definition in LABELS.items():
            own = [entity for entity in entities if entity.label == label]
            singly.append((text, own, {label: definition}))
    losses, backprop = model.begin_update(GOLDS[:2])
    backprop(np.array([1.0, 0.5], dtype="float32"))
    together = gradients(model)
    by_label, backprop = model.begin_update(singly)
    backprop(np.repeat(np.array([1.0, 0.5], dtype="float32"), 3))
    assert losses.dtype == np.float32
    assert losses == pytest.approx(by_label.reshape(2, 3).sum(axis=1), rel=1e-5)
    for one, other in zip(together, gradients(model), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_no_sources(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    assert model.predict([]) == []
    losses, backprop = model.begin_update([])
    assert losses.shape == (0,)
    assert backprop(losses) == []
    assert model.predict([Source((), ())]) == [[]]
    set_labels(model, {})
    assert model.predict([TEXT]) == [[]]


def test_the_answers_to_a_text_belong_to_it(network: Callable[..., Model[Any, Any]]) -> None:
    places = {"GPE": ""}
    model = network(decoder=Says([ORG, GPE]))
    found = model.predict([TEXT, (TEXT, places), Source((), ()), (TEXT, {"PER": "", "ORG": ""})])
    assert found == [[ORG, GPE], [GPE], [], [ORG]]


def test_a_text_is_unanswered_if_one_label_outgrows_the_positions(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(decoder=Says([ORG, GPE]))
    model.attrs["decoder"].outgrown = {"GPE"}
    assert model.predict([TEXT, (TEXT, {"ORG": ""}), (TEXT, {"GPE": ""})]) == [None, [ORG], None]


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.4), (0.4, 0.9)])
def test_of_crossing_spans_the_more_probable_stays(
    network: Callable[..., Model[Any, Any]], first: float, second: float
) -> None:
    left, right = Entity(0, 3, "ORG", first), Entity(2, 4, "GPE", second)
    model = network(decoder=Says([left]))
    model.attrs["decoder"] = _Each(Says([left]), Says([right]))
    [found] = model.predict([TEXT])
    assert found == [left if first > second else right]
    assert scores([found]) == [pytest.approx([0.9])]


class _Each:
    """Asks each of some decoders, and answers with whichever found something."""

    def __init__(self, *decoders: Says) -> None:
        self._decoders = decoders

    def __call__(self, model: Any, jobs: Any) -> list[Any]:
        answers = [decoder(model, jobs) for decoder in self._decoders]
        return [
            next(
                (trace for trace in traces if any(s.move.kind == "open" for s in trace)), traces[0]
            )
            for traces in zip(*answers, strict=True)
        ]


def test_spans_nest_as_deep_as_the_format_allows(network: Callable[..., Model[Any, Any]]) -> None:
    said = [Entity(1, 4, "ORG", 0.4), Entity(3, 4, "GPE", 0.6), Entity(0, 1, "PER", 0.1)]
    for depth, expected in ((2, [said[2], *said[:2]]), (1, [said[2], said[1]])):
        model = network(depth)
        model.attrs["decoder"] = _Each(*(Says([entity]) for entity in said))
        assert model.predict([TEXT]) == [expected]


def test_two_words_of_a_label_find_one_span(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(words={"company": "ORG", "group": "ORG"})
    said = [Entity(1, 4, "company", 0.5), Entity(1, 4, "group", 0.75)]
    model.attrs["decoder"] = _Each(*(Says([entity]) for entity in said))
    [found] = model.predict([TEXT])
    assert found == [ORG]
    assert scores([found]) == [pytest.approx([0.75])]


def test_the_longest_prompt_decides_about_room(
    network: Callable[..., Model[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    monkeypatch.setattr(type(model.shims[0].lm), "positions", 400.0)
    text = Source(("Edinburgh",) * 60, (True,) * 60)
    short, long = {"ORG": ""}, {"GPE": "a place " * 20}
    least = room(model, text, long, 60).reach(0, 60)
    assert 0 < least < room(model, text, short, 60).reach(0, 60)
    for labels in (short | long, long | short):
        assert room(model, text, labels, 60).reach(0, 60) == least


def test_the_longest_answer_decides_about_positions(
    network: Callable[..., Model[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    target = speller_of(model, {"ORG": ""}).target(TEXT, [ORG])
    length = len(target.prefix) + len(target.prompt) + len(target.answer)
    labels = {"PER": "", "ORG": ""}
    for positions, outgrown in ((length, False), (length - 1, True)):
        monkeypatch.setattr(type(model.shims[0].lm), "positions", float(positions))
        set_labels(model, labels)  # makes the spellers anew
        assert outgrows(model, TEXT, [ORG], labels) == outgrown
        assert not outgrows(model, TEXT, [], labels)


def test_what_can_be_expressed_is_the_sum_of_the_labels(
    network: Callable[..., Model[Any, Any]],
) -> None:
    strange, long = Entity(0, 1, "FOX"), Entity(0, 9, "PER")
    kept, refused = expressible(network(1), TEXT, [ORG, GPE, strange, long], LABELS)
    assert kept == [ORG, GPE]
    assert refused == [(strange, "unknown label"), (long, "outside the source")]
    with pytest.raises(ValueError, match=r"FOX.*unknown label"):
        network().begin_update([(TEXT, [strange])])


def test_shots_are_answered_for_the_label_that_is_asked_for(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(prompt=Instruction(shots=FewShot(1)))
    set_shots(model, [(TEXT, (ORG, GPE))])
    decode = model.shims[0].lm.pieces.decode
    for speller, answer in zip(spellers_of(model), MARKED.values(), strict=True):
        assert f"\nAnswer:\n{answer}\nText: " in decode(speller.job(TEXT).prefix)


def test_a_draft_head_learns_from_every_prompt(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(decoder=SpeculativeDecoder())
    learn(model, 20)
    expected = model.predict(SOURCES)
    train_drafts(model, GOLDS, epochs=2)
    assert model.shims[0].lm.draft_head is not None
    assert model.predict(SOURCES) == expected


def test_there_is_no_speller_for_several_labels(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    assert speller_of(model, {"GPE": ""}) is spellers_of(model, {"GPE": ""})[0]
    with pytest.raises(ValueError, match="there is an answer for each label, not one for all"):
        speller_of(model)
