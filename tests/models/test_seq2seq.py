"""The whole network on an encoder–decoder model: it learns spans, and both decoders find what their
definition says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from thinc.api import Model
from transformers import AutoModelForSeq2SeqLM

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.marks import marks_of
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.models.drafting import train_drafts
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.models.speller import Speller
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import Shots
from spacy_genner.types import Entity, Source
from spacy_genner.weights.tuning import FullTuning, LoRA
from tests.decoding import reference
from tests.formats.table import FORMATS
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, scores, source
from tests.tiny_t5 import KINDS

TEXTS = [
    *SOURCES,
    source("Leeds"),
    Source((), ()),
    source("Essex County Council said : no comment . " * 4),
    Source(("東京", "に", "[", "|", "\\", "{x}"), (False,) * 6),
    source("</s> ［Leeds］ | … \u200b ½ <extra_id_0> 👍🏽👍 ¨ <unk> <pad> ▁"),
]


@pytest.fixture
def network(tiny_seq2seq: Callable[..., Any]) -> Callable[..., Model[Any, Any]]:
    """`network(kind, **settings)`: with labels, not yet trained."""

    def make(
        kind: str = "t5",
        loss: str = "decisions",
        decoder: Any = None,
        format: Any = None,
        **settings: Any,
    ) -> Model[Any, Any]:
        lm, format = tiny_seq2seq(kind, **settings), format or InlineBracketed()
        model = build_generative_ner(
            lm, format, Instruction(), decoder or SpeculativeDecoder(), loss
        )
        set_labels(model, LABELS)
        return model

    return make


@pytest.mark.parametrize(
    ("kind", "loss", "tuning", "steps"),
    [
        ("t5", "decisions", LoRA(r=16), 40),
        ("flan", "tokens", FullTuning(), 60),
        ("mt5", "decisions", FullTuning(), 40),
    ],
)
def test_it_learns_nested_spans(
    network: Callable[..., Model[Any, Any]], kind: str, loss: str, tuning: Any, steps: int
) -> None:
    model = network(kind, loss, tuning=tuning)
    losses = learn(model, steps)
    found = model.predict(SOURCES)
    assert found == [sorted(entities) for _, entities in GOLDS], (losses[0], losses[-1])
    loaded = network(kind, loss, tuning=tuning).from_bytes(model.to_bytes())
    assert (loaded.predict(SOURCES), scores(loaded.predict(SOURCES))) == (found, scores(found))


def whole_sequences(folder: str, closing: Sequence[int]) -> reference.Ask:
    """A network that reads prompt and answer anew for every id, and computes all logits."""
    network = AutoModelForSeq2SeqLM.from_pretrained(folder).float().eval()

    def logits(history: tuple[int, ...], ids: Sequence[int]) -> list[float]:
        start = history.index(0)
        prompt, answer = [*history[:start], *closing], list(history[start:])
        with torch.inference_mode():
            row = network(torch.tensor([prompt]), decoder_input_ids=torch.tensor([answer])).logits[
                0, -1
            ]
        return [float(row[id]) for id in ids]

    return logits


@pytest.mark.parametrize(
    "format",
    [
        InlineBracketed(2),
        pytest.param(InlineBracketed(1, label_first=True), marks=pytest.mark.slow),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_both_decoders_equal_the_reference(
    network: Callable[..., Model[Any, Any]], tiny_t5: Callable[..., str], kind: str, format: Any
) -> None:
    """In batches of ragged rows and alone."""
    model = network(kind, format=format)
    steps, speller = model.shims[0].local.steps, speller_of(model)  # type: ignore[attr-defined]
    jobs = [speller.job(text) for text in TEXTS]
    ask = whole_sequences(tiny_t5(kind), (1,))
    expected = [reference.decode(ask, job) for job in jobs]
    for decoder in (
        GreedyDecoder(),
        SpeculativeDecoder(),
        SpeculativeDecoder(100),
        SpeculativeDecoder(1),
    ):
        assert all(map(reference.same, decoder(SessionEngine(steps), jobs), expected)), decoder
    assert any(
        job.grammar.entities([step.move for step in trace])
        for job, trace in zip(jobs, expected, strict=True)
    )


def test_a_trained_model_decodes_alike_in_few_passes(
    network: Callable[..., Model[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network("flan", tuning=FullTuning())
    learn(model, 40)
    steps, speller = model.shims[0].local.steps, speller_of(model)  # type: ignore[attr-defined]
    jobs = [speller.job(text) for text in TEXTS]
    decoder, passes = steps.model.get_decoder(), 0
    forward = decoder.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal passes
        passes += 1
        return forward(*args, **kwargs)

    monkeypatch.setattr(decoder, "forward", counting)
    expected = GreedyDecoder()(SessionEngine(steps), jobs)
    greedy, passes = passes, 0
    assert all(map(reference.same, SpeculativeDecoder()(SessionEngine(steps), jobs), expected))
    assert passes < greedy / 2


def test_training_and_decoding_spell_alike(tiny_seq2seq: Callable[..., Any]) -> None:
    pieces = tiny_seq2seq().pieces
    speller = Speller(pieces, InlineBracketed(), Instruction(), LABELS, Shots())
    for text, entities in [*GOLDS, *((text, []) for text in TEXTS)]:
        job, target = speller.job(text), speller.target(text, entities)
        assert (job.prefix, job.body) == (target.prefix, target.prompt)
        assert target.prompt.index(0) == len(target.prompt) - 1, (
            "the decoder starts after the prompt"
        )
        assert target.answer.index(1) == len(target.answer) - 1, "text never ends an answer"
        for decision in target.decisions:
            assert decision.choices[decision.chosen] == target.answer[decision.position]


def test_an_answer_begins_as_a_text_does(tiny_seq2seq: Callable[..., Any]) -> None:
    """With the space of its own that T5 has learnt to write there; the prompt has one before the
    source as well."""
    lm = tiny_seq2seq()
    target = Speller(lm.pieces, InlineBracketed(), Instruction(), LABELS, Shots()).target(*GOLDS[0])
    tokens = lm.base.tokenizer.convert_ids_to_tokens(target.answer)
    assert "".join(tokens) == "▁The▁[University▁of▁[Edinburgh▁|▁GPE]▁|▁ORG]▁bought▁it▁.</s>"
    prompt = "".join(lm.base.tokenizer.convert_ids_to_tokens([*target.prefix, *target.prompt]))
    assert "Text:▁The▁University▁of▁Edinburgh▁bought▁it▁.▁Answer:<pad>" in prompt


def writable(lm: Any, mark: str) -> bool:
    try:
        lm.pieces.check([mark])
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_a_format_works_or_names_the_mark_that_t5_cannot_write(
    network: Callable[..., Model[Any, Any]], tiny_seq2seq: Callable[..., Any], format: Format
) -> None:
    lm = tiny_seq2seq()
    missing = [mark for mark in format.marks(LABELS) if not writable(lm, mark)]
    if missing:
        with pytest.raises(ValueError, match=rf"cannot write.*{re.escape(repr(missing[0]))}"):
            speller_of(network(format=format))
    else:
        model = network(format=format)
        for source, row in zip(TEXTS, model.predict(TEXTS), strict=True):
            assert all(0 <= entity.start < entity.end <= len(source) for entity in row)


def test_t5_can_write_some_formats_only(tiny_seq2seq: Callable[..., Any]) -> None:
    """Otherwise the test above says nothing."""
    lm = tiny_seq2seq()
    able = {all(writable(lm, mark) for mark in format.marks(LABELS)) for format in FORMATS}
    assert able == {True, False}


def test_spans_of_what_cannot_be_written(network: Callable[..., Model[Any, Any]]) -> None:
    """They are learnt and found all the same: nothing is read back from text."""
    model = network(tuning=FullTuning())
    text = source("{ ［Leeds］ </s> 👍 \u200b")
    gold = [Entity(1, 2, "GPE"), Entity(2, 5, "ORG")]
    learn(model, 40, golds=[(text, gold)])
    assert model.predict([text]) == [gold]


@pytest.mark.parametrize("kind", ["t5", "flan"])
def test_a_draft_head_learns_from_the_encoder(
    network: Callable[..., Model[Any, Any]], kind: str
) -> None:
    """And changes nothing but the number of passes."""
    model = network(kind, tuning=FullTuning())
    learn(model, 40)
    before = model.predict(TEXTS)
    train_drafts(model, GOLDS, epochs=100)
    steps, speller = model.shims[0].local.steps, speller_of(model)  # type: ignore[attr-defined]
    jobs = [speller.job(text) for text in SOURCES]
    session = steps.session(jobs[0].prefix, len(jobs))
    session.extend([job.body for job in jobs])
    plans = session.expect([job.words for job in jobs])
    patterns = steps.draft_head.patterns
    derived = [
        marks_of(job.grammar.derive(gold)) for job, (_, gold) in zip(jobs, GOLDS, strict=True)
    ]
    assert [[patterns[i] for i in plan._scores.argmax(axis=1)] for plan in plans] == derived
    after = model.predict(TEXTS)
    assert after == before
    for one, two in zip(scores(after), scores(before), strict=True):
        assert one == pytest.approx(two, abs=1e-4)
