"""The whole network: it learns spans, says them again with scores, and keeps them when saved or
copied."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Adam, Model

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.grouped_json import GroupedJSON
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.models import speller
from spacy_genner.models.generative import (
    Gold,
    Task,
    as_task,
    build_generative_ner,
    set_labels,
    set_shots,
    speller_of,
)
from spacy_genner.models.speller import Speller
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import FewShot, Shots
from spacy_genner.types import Entity, Source
from spacy_genner.weights.tuning import FullTuning, LoRA
from tests.formats.table import LEARNT

LABELS = {"ORG": "", "GPE": "a place", "PER": ""}


def source(text: str) -> Source:
    words = text.split()
    return Source(tuple(words), (False, *[True] * (len(words) - 1)))


GOLDS = [
    (source("The University of Edinburgh bought it ."), [Entity(1, 4, "ORG"), Entity(3, 4, "GPE")]),
    (
        source("Mrs O'Neil [sic] sold the factory in Leeds"),
        [Entity(0, 2, "PER"), Entity(7, 8, "GPE")],
    ),
    (source("no comment"), []),
]
SOURCES = [gold for gold, _ in GOLDS]


def test_a_task_comes_with_or_without_entities_and_labels() -> None:
    text, entities = GOLDS[0]
    assert as_task(text) == Task(text, (), None)
    assert as_task((text, LABELS)) == Task(text, (), LABELS)
    assert as_task((text, {})) == Task(text, (), {})
    assert as_task((text, MappingProxyType(LABELS))) == Task(text, (), LABELS)
    assert as_task((text, entities)) == Task(text, entities, None)
    assert as_task((text, [], LABELS)) == Task(text, [], LABELS)
    assert as_task((text, entities, LABELS)) == Task(text, entities, LABELS)


@pytest.fixture
def network(tiny_lm: Callable[..., Any]) -> Callable[..., Model[Any, Any]]:
    """`network(family, tokenizer, **settings)`: with labels, not yet trained."""

    def make(
        family: str = "llama",
        tokenizer: str = "bpe",
        loss: str = "tokens",
        format: Any = None,
        prompt: Any = None,
        copy_weight: float = 1.0,
        **settings: Any,
    ) -> Model[Any, Any]:
        lm = tiny_lm(family, tokenizer, **settings)
        format, prompt = format or InlineBracketed(), prompt or Instruction()
        model = build_generative_ner(lm, format, prompt, GreedyDecoder(), loss, copy_weight)
        set_labels(model, LABELS)
        return model

    return make


def learn(
    model: Model[Any, Any], steps: int, rate: float = 0.01, golds: Sequence[Gold] = GOLDS
) -> list[float]:
    """Train. Returns: the loss before each step."""
    optimizer = Adam(rate, use_averages=False)
    losses = []
    for _ in range(steps):
        loss, backprop = model.begin_update(golds)
        backprop(np.ones_like(loss))
        model.finish_update(optimizer)
        losses.append(float(loss.sum()))
    return losses


def scores(entities: Sequence[Sequence[Entity]]) -> list[list[float]]:
    return [[entity.score for entity in found] for found in entities]


@pytest.mark.parametrize(
    ("family", "tokenizer", "loss", "tuning", "steps"),
    [
        ("llama", "bpe", "tokens", FullTuning(), 40),
        ("gemma3_text", "spm", "tokens", FullTuning(), 60),
        ("qwen3", "spm", "decisions", FullTuning(), 40),
        ("granite", "bpe", "decisions", LoRA(r=16), 60),
        ("llama", "spm", "tokens", LoRA(r=16), 80),
    ],
)
def test_it_learns_nested_spans(
    network: Callable[..., Model[Any, Any]],
    family: str,
    tokenizer: str,
    loss: str,
    tuning: Any,
    steps: int,
) -> None:
    model = network(family, tokenizer, loss, tuning=tuning)
    untrained = model.predict(SOURCES)
    losses = learn(model, steps)
    found = model.predict(SOURCES)
    assert found == [sorted(entities) for _, entities in GOLDS], (losses[0], losses[-1])
    assert untrained != found
    assert all(0.5 < score <= 1 for row in scores(found) for score in row)
    loaded = network(family, tokenizer, loss, tuning=tuning).from_bytes(model.to_bytes())
    again = loaded.predict(SOURCES)
    assert again == found
    assert scores(again) == scores(found)


@pytest.mark.parametrize("format", LEARNT, ids=str)
def test_it_learns_every_format(network: Callable[..., Model[Any, Any]], format: Format) -> None:
    golds = [
        (source, format.grammar(source, LABELS).expressible(entities)[0])
        for source, entities in GOLDS
    ]
    model = network(tuning=FullTuning(), format=format)
    learn(model, 60, golds=golds)
    expected = [sorted(entities) for _, entities in golds]
    assert model.predict(SOURCES) == expected
    model.attrs["decoder"] = SpeculativeDecoder()
    assert model.predict(SOURCES) == expected


def test_copies_and_pickles_predict_the_same(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(tuning=LoRA(r=8))
    learn(model, 5)
    expected = model.predict(SOURCES)
    for other in (model.copy(), pickle.loads(pickle.dumps(model))):
        assert other.predict(SOURCES) == expected
        assert scores(other.predict(SOURCES)) == scores(expected)
        learn(other, 10)
        assert scores(other.predict(SOURCES)) != scores(expected)
        assert scores(model.predict(SOURCES)) == scores(expected)


def test_a_copy_shares_the_base_and_the_tokenizer(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    model.predict(SOURCES)
    other = model.copy()
    assert other.shims[0].lm is not model.shims[0].lm
    assert other.shims[0].lm.base is model.shims[0].lm.base
    held = [
        value
        for name, value in other.attrs.items()
        if value is not None and type(value).__name__ == "CausalLM"
    ]
    assert not held, "a second copy of the trained weights"


def test_to_disk_and_from_disk(network: Callable[..., Model[Any, Any]], tmp_path: Any) -> None:
    model = network()
    learn(model, 5)
    model.shims[0].to_disk(tmp_path / "model")
    other = network()
    other.shims[0].from_disk(tmp_path / "model")
    assert scores(other.predict(SOURCES)) == scores(model.predict(SOURCES))


def test_training_is_repeatable(network: Callable[..., Model[Any, Any]]) -> None:
    def run(seed: int) -> tuple[list[float], list[list[float]], bytes]:
        torch.manual_seed(seed)
        model = network(tuning=LoRA(r=4, lora_dropout=0.1))
        model.initialize()
        losses = learn(model, 4)
        return losses, scores(model.predict(SOURCES)), model.shims[0].to_bytes()

    assert run(1) == run(1)
    assert run(1)[2] != run(2)[2]


def test_initialize_begins_afresh(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    before = model.predict(SOURCES)
    learn(model, 5)
    assert scores(model.predict(SOURCES)) != scores(before)
    model.initialize()
    assert scores(model.predict(SOURCES)) == scores(before)


def test_no_sources(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    assert model.predict([]) == []
    losses, backprop = model.begin_update([])
    assert losses.shape == (0,)
    assert backprop(losses) == []


def test_an_empty_source(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    nothing = Source((), ())
    assert model.predict([nothing]) == [[]]
    expected = model.predict(SOURCES)
    assert model.predict([nothing, *SOURCES, nothing]) == [[], *expected, []]


@pytest.mark.parametrize("loss", ["tokens", "decisions"])
def test_learning_from_an_empty_source(network: Callable[..., Model[Any, Any]], loss: str) -> None:
    losses, backprop = network(loss=loss).begin_update([(Source((), ()), [])])
    assert losses.shape == (1,)
    assert np.isfinite(losses).all()
    backprop(np.ones_like(losses))


def test_the_order_and_the_company_of_sources_do_not_matter(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(tuning=FullTuning())
    learn(model, 20)
    together = model.predict(SOURCES)
    alone = [model.predict([one])[0] for one in SOURCES]
    assert together == alone
    assert [s for row in scores(together) for s in row] == pytest.approx(
        [s for row in scores(alone) for s in row], 1e-3
    )
    assert model.predict(SOURCES[::-1]) == together[::-1]


def test_gradients_flow_through_the_losses(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    losses, backprop = model.begin_update(GOLDS)
    assert losses.dtype == np.float32
    assert losses.shape == (3,)
    assert (losses > 0).all()
    assert backprop(np.ones_like(losses)) == []
    weights = [weight for weight in model.shims[0].lm.model.parameters() if weight.requires_grad]
    assert any(weight.grad is not None and weight.grad.any() for weight in weights)


def test_labels_are_part_of_the_prompt(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    read: list[tuple[int, ...]] = []

    def spy(steps: Any, jobs: Any) -> Any:
        read.extend(job.prefix for job in jobs)
        return GreedyDecoder()(steps, jobs)

    model.attrs["decoder"] = spy
    tokenizer = model.shims[0].lm.base.tokenizer
    for labels, wanted in (
        (LABELS, "Labels: ORG, GPE (a place), PER\n"),
        ({"PER": "people"}, "Labels: PER (people)\n"),
        ({}, "Labels: \n"),
    ):
        set_labels(model, labels)
        (found,) = model.predict(SOURCES[:1])
        assert wanted in tokenizer.decode(read[-1])
        assert {entity.label for entity in found} <= set(labels)


def test_a_label_set_is_not_shared_with_the_caller(network: Callable[..., Model[Any, Any]]) -> None:
    model, labels = network(), dict(LABELS)
    set_labels(model, labels)
    labels.clear()
    assert model.attrs["labels"] == LABELS


def test_gold_with_an_unknown_label(network: Callable[..., Model[Any, Any]]) -> None:
    with pytest.raises(ValueError, match="unknown label"):
        network().begin_update([(SOURCES[0], [Entity(0, 1, "EVENT")])])


def test_an_unknown_loss(tiny_lm: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match='loss = "words": choose one of tokens, decisions'):
        build_generative_ner(tiny_lm(), InlineBracketed(), Instruction(), GreedyDecoder(), "words")


def test_labels_that_the_tokenizer_cannot_write(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(tokenizer="spm")
    set_labels(model, {"ORG": "", "組織ℵ": ""})
    with pytest.raises(ValueError, match=r"cannot write ' \| 組織ℵ\]': choose other labels"):
        model.predict(SOURCES)
    with pytest.raises(ValueError, match="choose other labels"):
        model.begin_update(GOLDS)
    with pytest.raises(ValueError, match="choose other labels"):
        model.initialize()
    set_labels(model, LABELS)
    assert len(model.predict(SOURCES)) == 3


def test_a_chat_prompt_without_a_chat_template(tiny_lm: Callable[..., Any]) -> None:
    model = build_generative_ner(
        tiny_lm(), InlineBracketed(), Instruction(chat=True), GreedyDecoder()
    )
    set_labels(model, LABELS)
    with pytest.raises(ValueError, match="no chat template: set chat = false"):
        model.predict(SOURCES)


def test_nothing_is_loaded_when_it_is_built(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    model = build_generative_ner(lm, InlineBracketed(), Instruction(), GreedyDecoder())
    set_labels(model, LABELS)
    assert "base" not in lm.__dict__


@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
def test_training_and_decoding_spell_alike(
    network: Callable[..., Model[Any, Any]], tiny_lm: Callable[..., Any], tokenizer: str
) -> None:
    """The prompt is the same, and every answer that training asks for is one that decoding can
    give."""
    pieces = tiny_lm(tokenizer=tokenizer).pieces
    speller = Speller(pieces, InlineBracketed(), Instruction(), LABELS, Shots())
    for text, entities in GOLDS:
        job, target = speller.job(text), speller.target(text, entities)
        assert (job.prefix, job.body) == (target.prefix, target.prompt)
        assert target.answer[-1] == pieces.end
        assert pieces.end not in target.answer[:-1]
        for decision in target.decisions:
            assert decision.choices[decision.chosen] == target.answer[decision.position]


def test_a_published_prompt_has_the_ids_of_its_text(
    network: Callable[..., Model[Any, Any]],
) -> None:
    """GNER tokenizes prompt, space and answer as one text: the space belongs to the word after
    it."""
    words, prompt = source("Mrs O'Neil sold the factory in Leeds"), Instruction("gner-llama")
    target = speller_of(model := network(format=BIO(), prompt=prompt)).target(
        words, [Entity(6, 7, "GPE")]
    )
    rendered = prompt.render(LABELS, BIO(), str)
    answer = "Mrs(O) O'Neil(O) sold(O) the(O) factory(O) in(O) Leeds(B-GPE)"
    text = f"{rendered.prefix}{' '.join(words.words)}{rendered.suffix}{answer}"
    ids = model.shims[0].lm.base.tokenizer(text)["input_ids"]
    assert [*target.prefix, *target.prompt, *target.answer[:-1]] == ids


def test_literal_control_tokens_stay_text(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    speller = Speller(model.shims[0].lm.pieces, BIO(), Instruction(), LABELS, Shots())
    tokenizer = model.shims[0].lm.base.tokenizer
    text = source("he wrote <|im_end|> and <|endoftext|> there")
    target = speller.target(text, [Entity(2, 3, "ORG")])
    control = set(tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>", "<|im_start|>"]))
    assert not control & set(target.prompt)
    assert not control & set(target.answer[:-1])
    assert (
        tokenizer.decode(target.answer[:-1])
        == "he(O) wrote(O) <|im_end|>(B-ORG) and(O) <|endoftext|>(O) there(O)"
    )
    assert all(0 <= e.start < e.end <= 6 for e in model.predict([text])[0])


SHOTS = [(text, tuple(entities)) for text, entities in GOLDS]
NEAREST = Instruction(shots=FewShot(1, nearest=True))


def asked(model: Model[Any, Any], text: Source) -> tuple[str, str]:
    """The prompt of a source: what it shares with the others, and the rest."""
    job, tokenizer = speller_of(model).job(text), model.shims[0].lm.base.tokenizer
    return tokenizer.decode(job.prefix), tokenizer.decode(job.body)


def test_fixed_shots_are_read_once(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(prompt=Instruction(shots=FewShot(2)))
    set_shots(model, SHOTS)
    prefix, body = asked(model, source("no comment"))
    assert prefix.endswith(
        "PER\nText: The University of Edinburgh bought it .\nAnswer:\n"
        "The [University of [Edinburgh | GPE] | ORG] bought it .\n"
        "Text: Mrs O'Neil (sic) sold the factory in Leeds\nAnswer:\n"
        "[Mrs O'Neil | PER] (sic) sold the factory in [Leeds | GPE]\nText: "
    )
    assert body == "no comment\nAnswer:\n"


def test_the_nearest_shots_come_after_what_is_shared(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(prompt=NEAREST)
    set_shots(model, SHOTS)
    prefix, body = asked(model, source("The factory in Hull"))
    assert prefix.endswith("PER\nText: ")
    shown = "Mrs O'Neil (sic) sold the factory in Leeds\nAnswer:\n[Mrs O'Neil | PER] (sic) sold the factory in "
    assert body == shown + "[Leeds | GPE]\nText: The factory in Hull\nAnswer:\n"


def test_a_source_is_not_its_own_example_whatever_the_tokenizer_makes_of_it(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(prompt=NEAREST)
    text = source("no ▁comment in Leeds")
    set_shots(model, [*SHOTS, (text, (Entity(3, 4, "GPE"),))])
    assert "[Leeds | GPE]\nText: no _comment in Leeds\n" in asked(model, text)[1]
    assert "no _comment in [Leeds" not in asked(model, text)[1]


@pytest.mark.parametrize("nearest", [False, True])
def test_shots_do_not_move_the_places_of_words(
    network: Callable[..., Model[Any, Any]], nearest: bool
) -> None:
    model = network(prompt=Instruction(shots=FewShot(1, nearest)))
    set_shots(model, SHOTS)
    job, tokenizer = speller_of(model).job(SOURCES[0]), model.shims[0].lm.base.tokenizer
    first, last = job.words[0], job.words[-2]
    assert tokenizer.decode(job.body[: first + 1]).endswith("The")
    assert tokenizer.decode(job.body[: last + 1]).endswith("bought it .")
    assert job.words[-1] == len(job.body) - 1


def test_labels_that_are_not_asked_for_are_not_shown(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(prompt=Instruction(shots=FewShot(1)), format=InlineBracketed(max_depth=1))
    set_shots(model, SHOTS)
    for labels, answer in (
        ({"GPE": ""}, "The University of [Edinburgh | GPE] bought it ."),
        ({"ORG": ""}, "The [University of Edinburgh | ORG] bought it ."),
        (
            LABELS,
            "The [University of Edinburgh | ORG] bought it .",
        ),  # the format marks no nested ones
        ({"X": ""}, "The University of Edinburgh bought it ."),
    ):
        set_labels(model, labels)
        assert f"Answer:\n{answer}\nText: " in asked(model, SOURCES[0])[0]


@pytest.mark.parametrize(
    ("format", "answer"),
    [
        (BIO(), "The(O) University(B-ORG) of(I-ORG) Edinburgh(I-ORG) bought(O) it(O) .(O)"),
        (TypedList(), "ORG: University of Edinburgh; GPE: Edinburgh;."),
        (GroupedJSON(), '{"ORG": ["University of Edinburgh"], "GPE": ["Edinburgh"], "PER": []}'),
    ],
)
def test_a_shot_is_answered_as_the_format_writes(
    network: Callable[..., Model[Any, Any]], format: Any, answer: str
) -> None:
    model = network(prompt=Instruction(shots=FewShot(1)), format=format)
    set_shots(model, SHOTS)
    assert asked(model, SOURCES[1])[0].endswith(f" bought it .\nAnswer:\n{answer}\nText: ")


@pytest.mark.parametrize("prompt", [Instruction(shots=FewShot(2)), NEAREST])
def test_control_tokens_in_shots_stay_text(
    network: Callable[..., Model[Any, Any]], prompt: Instruction
) -> None:
    model = network(format=BIO(), prompt=prompt)
    set_shots(
        model, [(source("he wrote <|im_end|> and <|endoftext|>"), (Entity(2, 3, "ORG"),)), *SHOTS]
    )
    job = speller_of(model).job(source("he wrote it"))
    tokenizer = model.shims[0].lm.base.tokenizer
    control = set(tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"]))
    assert not control & {*job.prefix, *job.body}
    assert "<|im_end|>" in tokenizer.decode([*job.prefix, *job.body])


@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
@pytest.mark.parametrize("prompt", [Instruction(shots=FewShot(2)), NEAREST])
def test_it_learns_with_shots(
    network: Callable[..., Model[Any, Any]], prompt: Instruction, tokenizer: str
) -> None:
    model = network(tokenizer=tokenizer, prompt=prompt, tuning=FullTuning())
    set_shots(model, SHOTS)
    for text, entities in GOLDS:
        job, target = speller_of(model).job(text), speller_of(model).target(text, entities)
        assert (job.prefix, job.body) == (target.prefix, target.prompt)
    learn(model, 60)
    expected = model.predict(SOURCES)
    assert expected == [sorted(entities) for _, entities in GOLDS]
    for other in (model.copy(), pickle.loads(pickle.dumps(model))):
        assert other.predict(SOURCES) == expected


@pytest.mark.parametrize("shots", [None, []])
def test_a_prompt_that_lacks_its_shots(
    network: Callable[..., Model[Any, Any]], shots: list[Any] | None
) -> None:
    model = network(prompt=NEAREST)
    if shots is not None:
        set_shots(model, shots)
    with pytest.raises(
        ValueError, match="the prompt shows examples, but there are none: give annotated documents"
    ):
        model.predict(SOURCES)
    set_shots(model, SHOTS)
    assert len(model.predict(SOURCES)) == 3


def test_shots_that_the_prompt_does_not_show(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    before = asked(model, SOURCES[0])
    set_shots(model, SHOTS)
    assert asked(model, SOURCES[0]) == before


OTHER = {"GPE": "a place", "ANIMAL": "a beast"}


def test_a_source_may_have_a_label_set_of_its_own(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(tuning=LoRA(r=8))
    learn(model, 5)
    mixed = model.predict(
        [SOURCES[0], (SOURCES[0], OTHER), (SOURCES[1], LABELS), SOURCES[1], (SOURCES[1], OTHER)]
    )
    own = model.predict(SOURCES[:2])
    set_labels(model, OTHER)
    other = model.predict(SOURCES[:2])
    expected = [own[0], other[0], own[1], own[1], other[1]]
    assert mixed == expected
    for found, wanted in zip(scores(mixed), scores(expected), strict=True):
        assert found == pytest.approx(wanted, rel=1e-4)
    assert own != other
    assert {entity.label for found in other for entity in found} <= OTHER.keys()


def test_training_with_label_sets_is_training_with_each(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network(tuning=LoRA(r=8))
    places = (SOURCES[0], [Entity(3, 4, "GPE")], OTHER)
    losses, _ = model.begin_update([GOLDS[0], places, GOLDS[1]])
    own, _ = model.begin_update(GOLDS[:2])
    set_labels(model, OTHER)
    other, _ = model.begin_update([places[:2]])
    assert losses.tolist() == pytest.approx([own[0], other[0], own[1]], rel=1e-4)


def test_a_network_without_labels_can_have_those_of_its_sources(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network()
    expected = model.predict(SOURCES)
    set_labels(model, {})
    assert model.predict([(source, LABELS) for source in SOURCES]) == expected


def test_the_last_few_label_sets_are_remembered(
    network: Callable[..., Model[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speller, "_KEPT", 2)
    model = network()
    own, other = speller_of(model), speller_of(model, OTHER)
    assert speller_of(model, dict(LABELS)) is own
    speller_of(model, {"ORG": ""})
    assert speller_of(model) is own
    assert speller_of(model, OTHER) is not other


def test_the_order_and_the_definitions_make_a_label_set(
    network: Callable[..., Model[Any, Any]],
) -> None:
    model = network()
    turned = dict(reversed(LABELS.items()))
    assert speller_of(model, turned) is not speller_of(model)
    assert speller_of(model, dict.fromkeys(LABELS, "")) is not speller_of(model)


def test_bytes_do_not_hold_the_label_sets_seen(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(tuning=LoRA(r=8))
    before = model.to_bytes()
    model.predict([(SOURCES[0], OTHER)])
    assert model.to_bytes() == before
    loaded = network(tuning=LoRA(r=8)).from_bytes(before)
    assert loaded.predict([(SOURCES[0], OTHER)]) == model.predict([(SOURCES[0], OTHER)])
    assert speller_of(loaded) is speller_of(loaded)


def test_a_weight_of_copies_is_learnt_with(network: Callable[..., Model[Any, Any]]) -> None:
    """Untrained, what copies is far more probable: a low weight opens more spans."""
    found = []
    for weight in (0.05, 20.0):
        model = network(tuning=LoRA(r=8), loss="decisions", copy_weight=weight)
        learn(model, 4)
        found.append(sum(map(len, model.predict(SOURCES))))
    assert found[0] > found[1]


def test_words_stand_apart_where_the_format_sets_them_apart(
    network: Callable[..., Model[Any, Any]],
) -> None:
    text = Source(("(", "Leeds", ")"), (False, False, False))
    for format, shown in ((BIO(), "( Leeds )"), (InlineBracketed(), "(Leeds)")):
        _, body = asked(network(format=format), text)
        assert body == f"{shown}\nAnswer:\n"
