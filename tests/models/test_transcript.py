"""What a network reads and answers is what its language model computes, id by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from thinc.api import Model

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.models.transcript import transcribe
from spacy_genner.prompts.instruction import Instruction
from tests.models.test_generative import LABELS, SOURCES


@pytest.fixture(params=[False, True], ids=["causal", "seq2seq"])
def network(
    request: pytest.FixtureRequest,
    tiny_lm: Callable[..., Any],
    tiny_seq2seq: Callable[..., Any],
) -> Model[Any, Any]:
    lm = (tiny_seq2seq if request.param else tiny_lm)()
    model = build_generative_ner(lm, InlineBracketed(), Instruction(), GreedyDecoder())
    set_labels(model, LABELS)
    return model


def reference(model: Model[Any, Any], prompt: list[int], answer: list[int]) -> torch.Tensor:
    """The log-probabilities that transformers computes for each token id of an answer."""
    base: Any = model.shims[0].lm.base.model
    if base.config.is_encoder_decoder:
        asked = {"input_ids": [prompt[:-1]], "decoder_input_ids": [[*prompt[-1:], *answer[:-1]]]}
    else:
        asked = {"input_ids": [[*prompt, *answer[:-1]]]}
    with torch.no_grad():
        logits = base(**{name: torch.tensor(ids) for name, ids in asked.items()}).logits[0]
    return logits[-len(answer) :].log_softmax(dim=-1)


def test_the_probabilities_are_those_of_transformers(network: Model[Any, Any]) -> None:
    for source in SOURCES:
        [transcript] = transcribe(network, source, LABELS)
        assert transcript
        expected = reference(network, transcript.prompt, transcript.answer)
        own = expected[range(len(transcript.answer)), transcript.answer]
        assert torch.tensor(transcript.log_probs) == pytest.approx(own, abs=1e-3)
        for decision, choices in zip(transcript.decisions, transcript.choices, strict=True):
            legal = expected[decision.position, decision.choices].log_softmax(dim=-1)
            assert torch.tensor(choices) == pytest.approx(legal, abs=1e-3)
            assert decision.chosen == max(range(len(choices)), key=choices.__getitem__)
            assert transcript.answer[decision.position] == decision.choices[decision.chosen]


def test_the_answer_is_that_of_the_decoder(network: Model[Any, Any]) -> None:
    for source, entities in zip(SOURCES, network.predict(SOURCES), strict=True):
        [transcript] = transcribe(network, source, LABELS)
        assert transcript and transcript.entities == entities
        scores = [entity.score for entity in transcript.entities]
        assert scores == pytest.approx([entity.score for entity in entities], rel=1e-4)
        job = speller_of(network, LABELS).job(source)
        assert transcript.prompt[: len(job.prefix)] == list(job.prefix)
        assert transcript.answer[-1] == job.end


def test_an_answer_that_outgrows_the_positions_is_none(
    network: Model[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = speller_of(network, LABELS).job(SOURCES[0])
    positions = property(lambda _: float(len(job.prefix) + len(job.body) + 4))
    monkeypatch.setattr(type(network.shims[0].lm), "positions", positions)
    set_labels(network, LABELS)
    assert transcribe(network, SOURCES[0], LABELS) == [None]


def test_there_is_one_for_each_prompt(tiny_lm: Callable[..., Any]) -> None:
    format = InlineBracketed(opening="@@", closing="##", names_labels=False)
    model = build_generative_ner(
        tiny_lm(), format, Instruction(), GreedyDecoder(), label_words={"company": "ORG"}
    )
    transcripts = [found for found in transcribe(model, SOURCES[0], LABELS) if found]
    texts = [model.shims[0].lm.pieces.decode(found.prompt) for found in transcripts]  # type: ignore[attr-defined]
    labels = ["company", "GPE (a place)", "PER"]
    assert all(f"Labels: {label}\n" in text for label, text in zip(labels, texts, strict=True))
    found = [{entity.label for entity in transcript.entities} for transcript in transcripts]
    assert found == [{"ORG"}, {"GPE"}, {"PER"}], "a random model finds something each time"
