"""Which rows are read together, and what of them; that the answers are right whatever the batches
is in tests/decoding/test_decoders.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch

from spacy_genner.decoding.draft import Draft
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Decoder, Job
from spacy_genner.decoding.moves import spell
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.types import Entity
from tests.decoding.reference import decode, same
from tests.decoding.scripted import (
    ScriptedModel,
    ScriptedSession,
    encode,
    noise,
    unread,
    wanting,
)
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import (
    GOLD,
    INLINE,
    LABELS,
    PREFIX,
    TEXTS,
    ask,
    every_decoder,
    gold_jobs,
    job_of,
    said,
    words,
)

SOURCE = words("He met Ann Lee in Leeds .")


def test_each_id_is_read_once() -> None:
    """Whatever is asked again: a question comes with all ids, but a row has read most of them."""
    jobs, rule = gold_jobs()
    model, engine = ScriptedModel(rule), ScriptedEngine(rule)
    GreedyDecoder()(SessionEngine(model), jobs)
    GreedyDecoder()(engine, jobs)
    assert model.read == sum(len(questions[-1].ids) for questions in engine.questions)
    assert model.asked == sum(engine.asked)


@every_decoder
def test_a_row_without_a_choice_does_not_disturb_its_batch(decoder: Callable[..., Decoder]) -> None:
    jobs, rule = gold_jobs()
    jobs.insert(1, job_of(words("forced"), {}))
    model = ScriptedModel(rule)
    traces = decoder()(SessionEngine(model), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == [
        GOLD[0],
        [],
        *GOLD[1:],
    ]
    assert model.sessions == [(PREFIX, 4)]


@pytest.mark.parametrize(
    ("batch_tokens", "rows"),
    [
        (1, [1, 1, 1, 1, 1]),
        (12, [2, 1, 1, 1]),
        (18, [3, 1, 1]),
        (26, [3, 2]),
        (51, [3, 2]),
        (52, [4, 1]),
        (65, [5]),
    ],
)
def test_a_greedy_batch_holds_no_more_ids_than_it_may(batch_tokens: int, rows: list[int]) -> None:
    """Padded to the longest prompt, with the space that every answer begins with, and the shortest
    prompts together; one prompt may be longer."""
    bodies = [12, 5, 3, 12, 5]
    jobs = [
        Job((1,), [7] * size, [], INLINE.grammar(words("a b"), LABELS), encode, 0, unread)
        for size in bodies
    ]
    model = ScriptedModel(noise)
    GreedyDecoder(batch_tokens)(SessionEngine(model), jobs)
    assert [rows for _, rows in model.sessions] == rows


@every_decoder
def test_prefixes_do_not_mix(decoder: Callable[..., Decoder]) -> None:
    one, two = ((1, 1), (2,))
    jobs = [job_of(words(text), prefix=prefix) for text in TEXTS for prefix in (one, two)]
    model = ScriptedModel(noise)
    traces = decoder()(SessionEngine(model), jobs)
    assert model.sessions == [(one, 4), (two, 4)]
    assert all(map(same, traces, [decode(ask(noise), job) for job in jobs]))


def test_a_batch_holds_prompts_and_drafts() -> None:
    jobs = [job_of(words(text)) for text in ("a b", "c d", "e f")]
    size = len(Draft(jobs[0]).question().ids)
    model = ScriptedModel(wanting())
    SpeculativeDecoder(2 * size)(SessionEngine(model), jobs)
    assert model.sessions == [(PREFIX, 2), (PREFIX, 1)]


def test_a_prefix_that_each_row_reads_counts_in_a_batch() -> None:
    jobs = [job_of(words(text)) for text in ("a b", "c d", "e f")]
    model = ScriptedModel(wanting())
    model.rereads = True
    SpeculativeDecoder(2 * len(Draft(jobs[0]).question().ids) + len(PREFIX))(
        SessionEngine(model), jobs
    )
    assert model.sessions == [(PREFIX, 1)] * 3


def test_rows_that_are_finished_leave_the_batch() -> None:
    wanted = [[], [Entity(2, 4, "PER")], []]
    jobs = [job_of(SOURCE) for _ in wanted]
    jobs[1] = job_of(words("It met Ann Lee in Leeds ."))
    spelled = [
        spell(job.grammar, job.grammar.derive(w), encode)[0]
        for job, w in zip(jobs, wanted, strict=True)
    ]
    rule = wanting(
        *([*job.prefix, *job.body, *ids] for job, ids in zip(jobs, spelled, strict=True))
    )
    model = ScriptedModel(rule)
    traces = SpeculativeDecoder()(SessionEngine(model), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == wanted
    assert model.passes == 3
    alone = ScriptedModel(rule)
    SpeculativeDecoder(1)(SessionEngine(alone), jobs)
    assert alone.asked == model.asked and alone.passes == 5


class SmallModel(ScriptedModel):
    """Runs out of memory when it is to read too much at once, in the middle of an answer as
    well."""

    memory: int = 0

    def session(self, prefix: tuple[int, ...], rows: int) -> ScriptedSession:
        self.sessions.append((prefix, rows))
        return SmallSession(self, [prefix] * rows)


class SmallSession(ScriptedSession):
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        if len(chunks) * max(map(len, chunks)) > self._model.memory:
            raise torch.OutOfMemoryError
        return super().extend(chunks)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost() -> None:
    jobs = [
        job_of(words(text))
        for text in ("Ann", "Ann met Lee", "He met Ann Lee in Leeds .", "Leeds ?")
    ]
    expected = GreedyDecoder()(ScriptedEngine(noise), jobs)
    model = SmallModel(noise)
    model.memory = 60
    decoder = SpeculativeDecoder(400)
    for _ in range(2):  # each call begins anew: another one may have the memory to itself
        with pytest.warns(UserWarning, match="out of memory: going on with batch_tokens = 200"):
            assert all(map(same, decoder(SessionEngine(model), jobs), expected))
    assert decoder.batch_tokens == 400


def test_a_single_text_that_does_not_fit_is_an_error() -> None:
    model = SmallModel(noise)
    model.memory = 30
    with pytest.raises(torch.OutOfMemoryError), pytest.warns(UserWarning, match="out of memory"):
        SpeculativeDecoder(400)(SessionEngine(model), [job_of(words("Ann")), job_of(SOURCE)])


def test_waiting_rows_enter_before_the_last_ones_have_ended() -> None:
    """Of each pair the first needs one more pass: read for both pairs together."""
    wanted = [[Entity(6, 7, "PER")], [], [Entity(6, 7, "PER")], []]
    jobs = [job_of(words(f"{name} met Ann Lee in Leeds .")) for name in ("It", "He", "Me", "We")]
    spelled = [
        spell(job.grammar, job.grammar.derive(w), encode)[0]
        for job, w in zip(jobs, wanted, strict=True)
    ]
    model = ScriptedModel(
        wanting(*([*job.prefix, *job.body, *ids] for job, ids in zip(jobs, spelled, strict=True)))
    )
    budget = 2 * len(Draft(jobs[0]).question().ids)
    traces = SpeculativeDecoder(budget)(SessionEngine(model), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == wanted
    assert model.sessions == [(PREFIX, 2), (PREFIX, 2)]
    assert model.gathered == [2]


def test_rows_that_have_ended_are_not_held_in_memory() -> None:
    """One row in six goes on, and waits for others like it."""
    jobs = [job_of(words(f"{name} met Ann Lee in Leeds .")) for name in "ABCDEFGHIJKLMNOPQR"]
    wanted = [[Entity(6, 7, "PER")] if n % 6 == 0 else [] for n in range(len(jobs))]
    spelled = [
        spell(job.grammar, job.grammar.derive(w), encode)[0]
        for job, w in zip(jobs, wanted, strict=True)
    ]
    model = ScriptedModel(
        wanting(*([*job.prefix, *job.body, *ids] for job, ids in zip(jobs, spelled, strict=True)))
    )
    traces = SpeculativeDecoder(6 * len(Draft(jobs[0]).question().ids))(SessionEngine(model), jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == wanted
    assert model.gathered[:2] == [1, 2]  # the first row of each batch is taken out of it
