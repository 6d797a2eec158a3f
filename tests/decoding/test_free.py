"""Free writing, on an engine without a language model; with networks it is in
tests/models/test_free.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from spacy_genner.answers import Repairs
from spacy_genner.decoding.free import FreeDecoder, longest
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.moves import spell
from spacy_genner.formats.base import parse
from spacy_genner.types import Entity
from tests.decoding.reference import same
from tests.decoding.scripted import Rule, encode, noise, wanting
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import GOLD, TEXTS, job_of, said, words


def readable(text: str, limit: float = math.inf) -> Job:
    """A job whose answers are read if they are legal; of others, nothing is found."""
    job = job_of(words(text), limit=limit)

    def read(ids: Sequence[int]) -> tuple[list[Entity], Repairs]:
        moves = parse(job.grammar, "".join(map(chr, ids)))
        if moves is None:
            return [], Repairs(omissions=1)
        return [entity for entity, _ in job.grammar.entities(moves)], Repairs()

    return replace(job, read=read)


def wanting_gold(jobs: Sequence[Job], then: Sequence[int] = (0,)) -> Rule:
    """A rule that wants the gold entities of `TEXTS`, and these ids after the answers."""
    answers = [
        spell(job.grammar, job.grammar.derive(gold), encode)[0]
        for job, gold in zip(jobs, GOLD, strict=True)
    ]
    return wanting(
        *([*job.prefix, *job.body, *ids, *then] for job, ids in zip(jobs, answers, strict=True))
    )


def test_a_legal_answer_is_read_and_scored_as_any_decoder_would() -> None:
    jobs = list(map(readable, TEXTS))
    rule, decoder = wanting_gold(jobs), FreeDecoder()
    traces = decoder(ScriptedEngine(rule), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == GOLD
    assert all(map(same, traces, GreedyDecoder()(ScriptedEngine(rule), jobs)))
    assert decoder.repairs == Repairs()


def test_all_decisions_of_an_answer_are_asked_about_at_once() -> None:
    jobs = [
        *map(readable, TEXTS),
        replace(readable("forced"), grammar=job_of(words("a"), {}).grammar),
    ]
    engine = ScriptedEngine(noise)
    FreeDecoder()(engine, jobs)
    assert engine.asked == [1, 1, 1, 1, 0]


def test_an_illegal_answer_is_counted_and_nothing_is_made_up() -> None:
    jobs = list(map(readable, TEXTS))
    decoder = FreeDecoder()
    traces = decoder(ScriptedEngine(wanting_gold(jobs, then=encode("!\0"))), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == [[]] * len(jobs)
    assert decoder.repairs == Repairs(omissions=len(jobs))


def test_an_answer_without_end_is_cut_and_counted() -> None:
    decoder = FreeDecoder()
    decoder(ScriptedEngine(lambda history, id: float(id == ord("a"))), [readable("a")])
    assert decoder.repairs.unended == 1


@pytest.mark.parametrize("limit", [-3, 0, 1, 5])
def test_an_answer_that_exceeds_the_limit_is_none(limit: int) -> None:
    job = readable("He met Ann Lee in Leeds .", limit)
    assert longest(job) == max(0, limit)
    assert FreeDecoder()(ScriptedEngine(wanting_gold([job, *map(readable, TEXTS[1:])])), [job]) == [
        None
    ]
