"""Free generation: what is written is read, aligned, and scored as the legal answer that it comes
to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from thinc.api import Model

from spacy_genner.answers import Repairs
from spacy_genner.decoding.free import FreeDecoder, longest
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.moves import spell
from spacy_genner.formats.base import Format
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.types import Entity, Source
from spacy_genner.weights.tuning import FullTuning
from tests.formats.table import FORMATS, LEARNT
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn, scores


@pytest.fixture
def network(
    tiny_lm: Callable[..., Any], tiny_seq2seq: Callable[..., Any]
) -> Callable[..., Model[Any, Any]]:
    def make(format: Any = None, decoder: Any = None, seq2seq: bool = False) -> Model[Any, Any]:
        lm = (tiny_seq2seq if seq2seq else tiny_lm)(tuning=FullTuning())
        model = build_generative_ner(
            lm, format or InlineBracketed(), Instruction(), decoder or FreeDecoder(), "tokens"
        )
        set_labels(model, LABELS)
        return model

    return make


@pytest.mark.parametrize("format", LEARNT, ids=str)
def test_what_was_learnt_is_written_freely(
    network: Callable[..., Model[Any, Any]], format: Format
) -> None:
    golds = [
        (source, format.grammar(source, LABELS).expressible(entities)[0])
        for source, entities in GOLDS
    ]
    model = network(format)
    learn(model, 80, golds=golds)
    found = model.predict(SOURCES)
    assert found == [sorted(entities) for _, entities in golds]
    assert model.attrs["decoder"].repairs == Repairs()
    model.attrs["decoder"] = GreedyDecoder()
    for ours, others in zip(scores(found), scores(model.predict(SOURCES)), strict=True):
        assert ours == pytest.approx(others, rel=1e-3)


@pytest.mark.parametrize("format", FORMATS, ids=str)
@pytest.mark.parametrize("batch_tokens", [1, 1024])
def test_nonsense_is_read_and_counted(
    network: Callable[..., Model[Any, Any]],
    format: Format,
    batch_tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An untrained model writes anything, as long as it may."""
    monkeypatch.setattr("spacy_genner.decoding.free._LONGEST", 1)  # long enough
    model = network(format, FreeDecoder(batch_tokens))
    found = model.predict([*SOURCES, Source((), ())])
    assert all(
        0 <= e.start < e.end <= len(source)
        for source, row in zip(SOURCES, found, strict=False)
        for e in row
    )
    assert found[-1] == []
    assert model.attrs["decoder"].repairs != Repairs()


def test_it_writes_what_generate_writes(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    learn(model, 20)
    lm = model.shims[0].lm
    jobs = [speller_of(model).job(source) for source in SOURCES]
    for job, ids in zip(jobs, lm.engine.write(jobs, list(map(longest, jobs)), 1024), strict=True):
        prompt = torch.tensor([[*job.prefix, *job.body]])
        expected = lm.steps.model.generate(
            prompt, do_sample=False, max_new_tokens=len(ids) + 1, eos_token_id=job.end
        )
        assert [*ids, job.end] == expected[0, prompt.shape[1] :].tolist()


def test_an_answer_without_end_is_cut(network: Callable[..., Model[Any, Any]]) -> None:
    model = network()
    job = replace(speller_of(model).job(SOURCES[0]), end=-1)
    engine = model.shims[0].engine
    (ids,) = engine.write([job], [longest(job)], 1024)
    assert len(ids) == longest(job) > len(job.body)
    model.attrs["decoder"](engine, [job])
    assert model.attrs["decoder"].repairs.unended == 1


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_no_long_list_is_cut(network: Callable[..., Model[Any, Any]], format: Format) -> None:
    places = Source(tuple(word for n in range(30) for word in (f"Leeds{n}", ",")), (True,) * 60)
    job = speller_of(network(format)).job(places)
    entities = job.grammar.expressible([Entity(n, n + 1, "ORG") for n in range(0, 60, 2)])[0]
    assert len(spell(job.grammar, job.grammar.derive(entities), job.encode)[0]) < longest(job)


def test_a_wrong_copy_is_aligned(network: Callable[..., Model[Any, Any]]) -> None:
    job = speller_of(network()).job(SOURCES[0])
    entities, repairs = job.read(
        job.encode("Sure! The [Univresity of [Edinburgh | GPE] | ORG] bougt it")
    )
    assert entities == [Entity(1, 4, "ORG"), Entity(3, 4, "GPE")]
    assert repairs == Repairs(omissions=1, additions=2, substitutions=2)


def test_what_the_format_cannot_say_is_counted(network: Callable[..., Model[Any, Any]]) -> None:
    job = speller_of(network(InlineBracketed(max_depth=1))).job(SOURCES[0])
    entities, repairs = job.read(
        job.encode("The [University of [Edinburgh | GPE] | ORG] bought it")
    )
    assert entities == [Entity(1, 4, "ORG")]
    assert repairs.inexpressible == 1


def test_encoder_decoder_models_write_freely(network: Callable[..., Model[Any, Any]]) -> None:
    model = network(BIO(), seq2seq=True)
    assert len(model.predict(SOURCES)) == len(SOURCES)
