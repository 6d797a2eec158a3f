"""Decisions from lists that do not have all choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Decoder, Job, Question, Reply
from spacy_genner.decoding.scores import SCORINGS, scored_entities
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.engines.listed import TOLERANCE, exact_row, listed_row
from spacy_genner.engines.rounds import RoundsEngine
from spacy_genner.formats.base import Format
from spacy_genner.types import Source, Trace
from tests.decoding.scripted import Rule, wanting
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import TEXTS, every_decoder, every_format, job_of, words
from tests.decoding.test_free import readable, wanting_gold
from tests.engines.scripted_reader import ScriptedReader, uneven
from tests.strategies import examples, label_sets, sources

log_probs = st.floats(-20, 0, width=32)
tops = st.sampled_from([1, 3, 20, 100, 1000])


def asking(rule: Rule, top: int, jobs: Sequence[Job]) -> tuple[RoundsEngine, ScriptedReader]:
    texts = [word for job in jobs for word in job.grammar.source.words]
    reader = ScriptedReader(rule, top, texts)
    return RoundsEngine(reader, top), reader


def agree(job: Job, found: Trace | None, expected: Trace | None) -> bool:
    """Whether two derivations make the same moves, and their entities have about the same scores:
    each decision may add the tolerance."""
    if found is None or expected is None:
        return found is expected
    close = True
    for scoring in SCORINGS:
        pairs = [scored_entities(job.grammar, trace, scoring) for trace in (found, expected)]
        scores = [[entity.score for entity in entities] for entities in pairs]
        close &= scores[0] == pytest.approx(scores[1], abs=TOLERANCE * len(expected))
    return close and [step.move for step in found] == [step.move for step in expected]


@every_decoder
@every_format
@examples(0.25)
@given(label_sets, st.lists(sources(max_size=4), max_size=3), tops, st.sampled_from([math.inf, 12]))
def test_decoders_find_what_they_find_with_all_log_probabilities(
    decoder: Callable[..., Decoder],
    format: Format,
    labels: dict[str, str],
    texts: list[Source],
    top: int,
    limit: float,
) -> None:
    jobs = [job_of(text, labels, format, limit=limit) for text in texts]
    reader = ScriptedReader(
        uneven, top, [*labels, *(word for text in texts for word in text.words)]
    )
    found = decoder()(RoundsEngine(reader, top), jobs)
    assert all(map(agree, jobs, found, decoder()(ScriptedEngine(uneven), jobs)))


@pytest.mark.parametrize("top", [1, 20, 1000])
def test_free_answers_are_scored_as_well(top: int) -> None:
    jobs = list(map(readable, TEXTS))
    rule = wanting_gold(jobs)
    engine, _ = asking(rule, top, jobs)
    found = FreeDecoder()(engine, jobs)
    assert all(map(agree, jobs, found, FreeDecoder()(ScriptedEngine(rule), jobs)))


def first_question(top: int, exact: bool, **changed: object) -> tuple[Reply, Reply, int]:
    """What a question about all decisions of a copy is answered with lists and without, and in how
    many readings."""
    job = job_of(words("Ann Lee met Bo"))
    question = question_of(job)
    replies: list[Reply] = []

    def ask() -> Generator[Question, Reply, None]:
        replies.append((yield replace(question, **changed)))

    engine, reader = asking(uneven, top, [job])
    (engine.exactly() if exact else engine).run([job], [ask()], 0)
    ScriptedEngine(uneven).run([job], [ask()], 0)
    return replies[0], replies[1], len(reader.readings)


def question_of(job: Job) -> Question:
    """The first question that is asked about a job."""
    engine = ScriptedEngine(uneven)
    SpeculativeDecoder()(engine, [job])
    return engine.questions[0][0]


@pytest.mark.parametrize("top", [1, 20, 100])
def test_all_log_probabilities_are_right_if_they_must(top: int) -> None:
    found, expected, _ = first_question(top, exact=True)
    width = found.log_probs.shape[1]
    assert np.exp(found.log_probs) == pytest.approx(
        np.exp(expected.log_probs[:, :width]), abs=TOLERANCE * 1.1
    )


@pytest.mark.parametrize("top", [1, 20, 100])
def test_choices_are_right_up_to_the_first_that_was_not_guessed(top: int) -> None:
    question = question_of(job_of(words("Ann Lee met Bo")))
    found, expected, _ = first_question(top, exact=False)
    best = expected.log_probs.argmax(axis=1).tolist()
    guessed = [question.ids[place] for place in question.places[:-1]]
    followed = 0
    while question.choices[followed][best[followed]] == guessed[followed]:
        followed += 1
    assert found.log_probs.argmax(axis=1).tolist()[: followed + 1] == best[: followed + 1]


def test_nothing_is_asked_again_if_the_lists_have_everything() -> None:
    *_, readings = first_question(top=1000, exact=True)
    assert readings == 1


def test_a_draft_that_is_right_needs_one_reading() -> None:
    """All ids but the wanted ones are equally probable, so that lists do not have the choices."""
    jobs = [job_of(words("a b c d e f")), job_of(words("a [ b"))]
    answers = [(*job.prefix, *job.body, *copied(job)) for job in jobs]
    engine, reader = asking(wanting(*answers), 2, jobs)
    SpeculativeDecoder()(engine, jobs)
    assert list(map(len, reader.rounds)) == [len(jobs)]
    assert engine.requests == len(jobs)


def copied(job: Job) -> list[int]:
    """The answer without entities."""
    return [
        id for move in job.grammar.derive([]) for text in move.segments for id in job.encode(text)
    ]


def test_the_last_place_needs_no_list() -> None:
    jobs = [job_of(words("Ann Lee"))]
    engine, reader = asking(uneven, 20, jobs)
    GreedyDecoder()(engine, jobs)
    assert reader.readings and not any(reading.listed for reading in reader.readings)


@given(st.dictionaries(st.integers(0, 30), log_probs, min_size=2), st.data(), st.integers(1, 40))
def test_what_a_row_says_is_true_whatever_is_missing(
    vocabulary: dict[int, float], data: st.DataObject, top: int
) -> None:
    choices = data.draw(st.lists(st.sampled_from(sorted(vocabulary)), min_size=2, unique=True))
    following = data.draw(st.sampled_from(sorted(vocabulary)))
    ranked = sorted(vocabulary, key=lambda id: -vocabulary[id])
    listed = {id: vocabulary[id] for id in (following, *ranked[:top])}
    row = listed_row(choices, listed, top)
    exact = exact_row([vocabulary[id] for id in choices])
    if row.certain:
        assert row.best == exact.best
    known = [choice in listed for choice in choices]
    missing = np.exp(exact.log_probs[[not one for one in known]]).sum()
    assert missing <= row.missing + 1e-6
    kept = np.exp(row.log_probs) * (1 - missing)
    assert not any(known) or kept == pytest.approx(
        np.where(known, np.exp(exact.log_probs), 0), abs=1e-5
    )


def test_of_equal_choices_at_the_end_of_a_list_none_is_certain() -> None:
    assert not listed_row([1, 2], {2: -1.0, 3: -0.5}, top=2).certain
