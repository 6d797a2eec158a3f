"""What a network is asked is what it would be asked in use, and what is measured is what training
measures."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from thinc.api import Model

from spacy_genner.answers import Repairs
from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.models import probing
from spacy_genner.models.answered import BASE, CHAT, OWN, PLACES, Answered
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.models.probing import named_bases, probe
from spacy_genner.models.transcript import prompt_ids
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.types import Entity
from spacy_genner.weights.tuning import FullTuning
from tests.models.test_generative import GOLDS, LABELS, learn
from tests.models.test_transcript import reference

ASKED = [(source, sorted(entities), LABELS) for source, entities in GOLDS]
Make = Callable[..., Model[Any, Any]]


@pytest.fixture
def network(tiny_lm: Make, tiny_seq2seq: Make) -> Make:
    """`network(seq2seq, …)`: it learns by the loss of all token ids."""

    def make(seq2seq: bool = False, format: Any = None, **settings: Any) -> Model[Any, Any]:
        lm: Any = (tiny_seq2seq if seq2seq else tiny_lm)(tuning=FullTuning())
        model = build_generative_ner(
            lm, format or InlineBracketed(), Instruction(), FreeDecoder(), "tokens", **settings
        )
        set_labels(model, LABELS)
        return model

    return make


def log_prob(answer: Answered, way: str) -> float:
    return sum(value for _, value in answer.log_probs[way])


@pytest.mark.parametrize("seq2seq", [False, True])
def test_what_was_learnt_is_right_in_every_way(network: Make, seq2seq: bool) -> None:
    model = network(seq2seq)
    learn(model, 80)
    answers = probe(model, ASKED, 60)
    losses, _ = model.begin_update(GOLDS)
    for answer, (_, entities, _), loss in zip(answers, ASKED, losses, strict=True):
        assert answer.gold == answer.free == answer.constrained == entities
        assert answer.written.lstrip() == answer.right.lstrip()
        assert answer.repairs == Repairs() and answer.ends[-1] == len(answer.written)
        assert log_prob(answer, OWN) == pytest.approx(-loss, abs=0.05)
        assert log_prob(answer, BASE) < 10 * log_prob(answer, OWN) < 0
    assert list(answers[0].log_probs) == [OWN, BASE], "no chat template"


def test_an_untrained_network_is_its_base(network: Make) -> None:
    for answer in probe(network(), ASKED, 60):
        # All weights are rounded for decoding, as this model may have been trained.
        assert log_prob(answer, OWN) == pytest.approx(log_prob(answer, BASE), rel=0.01)
        prompt_or_answer = max(len(answer.log_probs[OWN]), 60)
        assert len(answer.ids) <= 1.5 * 2 * prompt_or_answer + 16 and answer.repairs != Repairs()


def test_the_gold_answer_is_spelled_by_the_tokenizer_as_well(network: Make) -> None:
    model = network()
    for answer, (source, _, _) in zip(probe(model, ASKED, 60), ASKED, strict=True):
        job, pieces = speller_of(model, LABELS).job(source), model.shims[0].lm.pieces  # type: ignore[attr-defined]
        ids = [*pieces.encode(answer.right), job.end]
        expected = reference(model, prompt_ids(job, pieces), ids)
        own = float(expected[range(len(ids)), ids].sum())
        assert answer.respelled == pytest.approx(own, rel=0.01)


def test_each_token_id_has_its_place(network: Make) -> None:
    model = network()
    answer = probe(model, ASKED, 60)[0]
    job = speller_of(model, LABELS).job(ASKED[0][0])
    by_place = {place: "" for place in PLACES}
    ids = speller_of(model, LABELS).target(*ASKED[0][:2]).answer
    for (place, _), id in zip(answer.log_probs[OWN], ids, strict=True):
        by_place[place] += model.shims[0].lm.tokenizer.decode([id])  # type: ignore[attr-defined]
    assert ids[-1] == job.end and by_place["end of the answer"] == "<|im_end|>"
    assert answer.right.startswith(by_place["first token id"])
    assert by_place["labels"].replace(" ", "") == "GPEORG"
    assert by_place["marks"].replace(" ", "") == "[[|]|]"
    copied = by_place["first token id"] + by_place["copied text"]
    assert copied.replace(" ", "") == "TheUniversityofEdinburghboughtit."


def test_a_list_has_copies_marks_and_labels(network: Make) -> None:
    answer = probe(network(format=OccurrenceJSON()), ASKED, 60)[0]
    assert {place for place, _ in answer.log_probs[OWN]} == set(PLACES)


def test_the_chat_template_is_tried_if_there_is_one(
    network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = network()
    template = "<|im_start|>{{ messages[0].content }}<|im_end|>"
    monkeypatch.setattr(model.shims[0].lm.tokenizer, "chat_template", template)
    answers = probe(model, ASKED, 60)
    other = build_generative_ner(
        model.shims[0].lm, InlineBracketed(), Instruction(chat=True), FreeDecoder(), "tokens"
    )
    set_labels(other, LABELS)
    losses, _ = other.begin_update(GOLDS)
    for answer, loss in zip(answers, losses, strict=True):
        assert log_prob(answer, CHAT[True]) == pytest.approx(-loss, rel=1e-2)
    assert list(probe(other, ASKED, 60)[0].log_probs) == [OWN, BASE, CHAT[False]]


def test_a_way_that_cannot_be_is_left_out(network: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat template that loses the text, and a base without the ids that an adapter brought."""
    model: Any = network()
    tokenizer = copy.deepcopy(model.shims[0].lm.tokenizer)
    tokenizer.chat_template = "no text"
    tokenizer.add_tokens(["<name>"])
    monkeypatch.setattr(type(model.shims[0].lm), "tokenizer", property(lambda _: tokenizer))
    assert list(probe(model, ASKED, 60)[0].log_probs) == [OWN]


def test_it_stops_when_the_time_is_up(network: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))  # each look at the clock takes ten seconds
    monkeypatch.setattr(probing.time, "perf_counter", lambda: next(clock))
    golds = iter(ASKED * 20)
    assert len(probe(network(), golds, 5)) == 4, "the first few"
    monkeypatch.setattr(probing.time, "perf_counter", lambda: 0.0)
    assert len(probe(network(), ASKED * 4, 5)) == 12, "all"


def test_each_label_may_have_a_prompt_of_its_own(network: Make) -> None:
    format = InlineBracketed(opening="@@", closing="##", names_labels=False)
    model = network(format=format, label_words={"company": "ORG"})
    answers = probe(model, ASKED[:1], 60)
    assert [answer.labels for answer in answers] == [["company"], ["GPE"], ["PER"]]
    assert [answer.gold for answer in answers] == [
        [Entity(1, 4, "company")],
        [Entity(3, 4, "GPE")],
        [],
    ]
    assert answers[0].right == "The @@University of Edinburgh## bought it ."


def test_answers_without_positions_are_left_out(
    network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = network()
    job = speller_of(model, LABELS).job(ASKED[0][0])
    longest = len(speller_of(model, LABELS).target(*ASKED[0][:2]).answer)
    positions = float(len(job.prefix) + len(job.body) + longest - 1)
    monkeypatch.setattr(type(model.shims[0].lm), "positions", property(lambda _: positions))
    set_labels(model, LABELS)
    answers = probe(model, [ASKED[0], ASKED[2]], 60)
    assert [answer.gold for answer in answers] == [[]], "the shorter one"


def test_the_base_of_an_adapter_is_read_from_its_settings(network: Make, tmp_path: Any) -> None:
    model: Any = network()
    lm = model.shims[0].lm
    assert named_bases(model) == (lm.name, None)
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/other"}')
    lm.adapter = str(tmp_path)
    assert named_bases(model) == (lm.name, "org/other")
    lm.adapter = str(tmp_path / "gone")  # a saved pipeline does not need it
    assert named_bases(model) == (lm.name, None)
