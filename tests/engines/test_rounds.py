"""What is asked at the same time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spacy_genner.decoding.interfaces import Decoder
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.engines import rounds
from spacy_genner.engines.rounds import RoundsEngine, without
from spacy_genner.formats.typed_list import TypedList
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import every_decoder, gold_jobs, job_of, said, words
from tests.decoding.test_free import readable
from tests.engines.scripted_reader import ScriptedReader, uneven
from tests.engines.test_listed import agree


def test_all_jobs_are_asked_about_at_once() -> None:
    jobs, rule = gold_jobs()
    alone = []
    for job in jobs:
        reader = ScriptedReader(rule, 20)
        SpeculativeDecoder()(RoundsEngine(reader, 20), [job])
        alone.append(list(map(len, reader.rounds)))
    reader = ScriptedReader(rule, 20)
    engine = RoundsEngine(reader, 20)
    SpeculativeDecoder()(engine, jobs)
    assert len(reader.rounds) == max(map(len, alone))
    assert engine.requests == sum(map(sum, alone)) == len(reader.readings)


@every_decoder
def test_no_request_has_more_choices_than_it_may(
    decoder: Callable[..., Decoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MOST_CHOICES", 3)
    jobs = [job_of(words("a b c d e f g h"), format=TypedList())]
    reader = ScriptedReader(uneven, 2)
    found = decoder()(RoundsEngine(reader, 2), jobs)
    assert all(map(agree, jobs, found, decoder()(ScriptedEngine(uneven), jobs)))
    assert max(len(reading.choices) for reading in reader.readings) == 3
    assert len({tuple(reading.ids) for reading in reader.readings}) < len(reader.readings)


@every_decoder
def test_jobs_without_a_choice_ask_nothing(decoder: Callable[..., Decoder]) -> None:
    job = job_of(words("a b"), labels={})
    reader = ScriptedReader(uneven, 20)
    [trace] = decoder()(RoundsEngine(reader, 20), [job])
    assert said(job, trace) == [] and not reader.rounds


def test_nothing_is_written_where_nothing_fits() -> None:
    jobs = [readable("Ann"), readable("Lee")]
    reader = ScriptedReader(uneven, 20)
    engine = RoundsEngine(reader, 20)
    first, second = engine.write(jobs, [3, 0], 0)
    assert first == reader.written([*jobs[0].prefix, *jobs[0].body], 3, jobs[0].end)
    assert second == [] and engine.requests == 1


def test_only_the_end_is_cut_off() -> None:
    assert without(0, [1, 0, 2, 0]) == [1, 0, 2]
    assert without(0, [0, 1]) == [0, 1] and without(0, []) == []
