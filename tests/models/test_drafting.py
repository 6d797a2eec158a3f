"""A draft head learns what it is shown, and changes nothing but the number of passes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from thinc.api import Model

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.marks import Pattern, marks_of
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.drafting import _fit, train_drafts
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.types import Entity
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, source

EMPTY = (source("It was dull and grey all day"), list[Entity]())


@pytest.fixture
def network(tiny_lm: Callable[..., Any]) -> Callable[..., Model[Any, Any]]:
    def make(family: str = "llama", label_first: bool = False) -> Model[Any, Any]:
        format = InlineBracketed(label_first=label_first)
        model = build_generative_ner(tiny_lm(family), format, Instruction(), SpeculativeDecoder())
        set_labels(model, LABELS)
        return model

    return make


def proposed(model: Model[Any, Any]) -> list[list[Pattern]]:
    """What the draft head finds most probable in SOURCES."""
    steps = model.shims[0].lm.steps
    jobs = [speller_of(model).job(source) for source in SOURCES]
    session = steps.session(jobs[0].prefix, len(jobs))
    session.extend([job.body for job in jobs])
    plans = session.expect([job.words for job in jobs])
    patterns = model.shims[0].lm.draft_head.patterns
    return [[patterns[i] for i in plan._scores.argmax(axis=1)] for plan in plans]


def passes(model: Model[Any, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any]:
    """How often a model reads to decode SOURCES, and what it finds."""
    decoder, count = model.shims[0].lm.steps.model.get_decoder(), 0
    forward = decoder.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return forward(*args, **kwargs)

    _ = model.predict(SOURCES)  # reads the prefix
    monkeypatch.setattr(decoder, "forward", counting)
    found = [
        [(e.start, e.end, e.label, round(e.score, 4)) for e in row]
        for row in model.predict(SOURCES)
    ]
    return count, found


@pytest.mark.parametrize(
    ("family", "label_first"), [("llama", False), ("gemma3_text", True), ("granite", False)]
)
def test_it_learns_what_is_marked(
    network: Callable[..., Model[Any, Any]], family: str, label_first: bool
) -> None:
    model = network(family, label_first)
    train_drafts(model, GOLDS, epochs=150)
    jobs = [speller_of(model).job(source) for source in SOURCES]
    derived = [job.grammar.derive(gold) for job, (_, gold) in zip(jobs, GOLDS, strict=True)]
    assert proposed(model) == [marks_of(moves) for moves in derived]


@pytest.mark.parametrize("wrong", [False, True], ids=["good drafts", "bad drafts"])
def test_it_changes_nothing_but_the_number_of_passes(
    network: Callable[..., Model[Any, Any]], wrong: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    learn(model, 40)
    _, plain = passes(model, monkeypatch)
    monkeypatch.undo()
    assert any(plain)
    answers = [[Entity(*entity) for entity in row] for row in plain]
    golds = [
        (source, [] if wrong else found) for (source, _), found in zip(GOLDS, answers, strict=True)
    ]
    train_drafts(model, golds, epochs=150)
    count, found = passes(model, monkeypatch)
    assert found == plain
    assert wrong or count == 2
    model.attrs["decoder"] = GreedyDecoder()
    monkeypatch.undo()
    assert passes(model, monkeypatch)[1] == plain


@pytest.mark.parametrize(
    ("golds", "copies_first"), [(GOLDS, True), ([GOLDS[0], GOLDS[1]], False), ([EMPTY], True)]
)
def test_copies_are_tried_first_where_many_sources_have_no_entity(
    network: Callable[..., Model[Any, Any]], golds: Any, copies_first: bool
) -> None:
    model = network()
    assert model.shims[0].lm.steps.copies_first
    train_drafts(model, golds, epochs=1)
    assert model.shims[0].lm.steps.copies_first == copies_first
    assert model.shims[0].lm.draft_head.patterns[0] == ()


def test_nothing_marked_is_the_first_pattern_even_if_it_never_occurs() -> None:
    opened: Pattern = (("open", "ORG"),)
    head = _fit([torch.zeros(2, 4)], [[opened, opened]], layer=1, epochs=1, seed=0)
    assert head.patterns == [(), opened]


def test_the_same_seed_gives_the_same_head(network: Callable[..., Model[Any, Any]]) -> None:
    heads = []
    for seed in (0, 0, 1):
        model = network()
        torch.rand(seed + len(heads))  # whatever was drawn before
        train_drafts(model, GOLDS, epochs=2, seed=seed)
        heads.append(model.shims[0].lm.draft_head.output.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_it_is_saved_and_copied_with_the_model(
    network: Callable[..., Model[Any, Any]], tmp_path: Path
) -> None:
    model = network()
    train_drafts(model, GOLDS, epochs=150)
    model.shims[0].to_disk(tmp_path)
    again = network()
    again.shims[0].from_disk(tmp_path)
    assert proposed(again) == proposed(model) == proposed(copy.deepcopy(model))
    again.shims[0].from_bytes(model.shims[0].to_bytes())
    assert proposed(again) == proposed(model)


def test_a_fresh_adapter_has_none(network: Callable[..., Model[Any, Any]], tmp_path: Path) -> None:
    model = network()
    model.shims[0].to_disk(tmp_path)
    train_drafts(model, GOLDS, epochs=1)
    model.shims[0].from_disk(tmp_path)
    assert model.shims[0].lm.draft_head is None
    train_drafts(model, GOLDS, epochs=1)
    model.initialize()
    assert model.shims[0].lm.draft_head is None


def test_nothing_to_learn_from(network: Callable[..., Model[Any, Any]]) -> None:
    with pytest.raises(ValueError, match="at least one source"):
        train_drafts(network(), [])
