"""A model of another size decides what the recorded one did, in the same passes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.systems.replay import Recording, Replaying, Script
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.marks import Plan, marks_of
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.types import Entity
from tests.decoding.scripted import ScriptedModel, noise, plan_of, wanting
from tests.decoding.test_decoders import job_of, words

JOBS = [
    job_of(words(text)) for text in ("Ann", "Ann met Lee", "He met Ann Lee in Leeds .", "Leeds ?")
]
PLAN = plan_of(marks_of(JOBS[2].grammar.derive([Entity(2, 4, "PER")])))
OTHER = plan_of(marks_of(JOBS[2].grammar.derive([Entity(0, 1, "GPE"), Entity(5, 6, "ORG")])))


@pytest.mark.parametrize(("plan", "copies_first"), [(None, True), (PLAN, True), (PLAN, False)])
@pytest.mark.parametrize("batch_tokens", [1, 60, 1024])
def test_it_decides_the_same_in_the_same_passes(
    batch_tokens: int, plan: Plan | None, copies_first: bool
) -> None:
    """Whatever the other model itself says and expects."""
    jobs = JOBS[2:3] if plan else JOBS
    recording = Recording(ScriptedModel(noise, plan, copies_first))
    expected = SpeculativeDecoder(1)(SessionEngine(recording), jobs)
    replaying = Replaying(ScriptedModel(wanting(), plan and OTHER, copies_first), recording.scripts)
    traces = SpeculativeDecoder(batch_tokens)(SessionEngine(replaying), jobs)
    assert [[step.move for step in trace] for trace in traces] == [
        [s.move for s in trace] for trace in expected
    ]
    assert replaying.reading.rows == recording.reading.rows
    assert replaying.reading.ids == recording.reading.ids


def test_sentences_are_recorded_alone() -> None:
    with pytest.raises(ValueError, match="batch_tokens = 1"):
        SpeculativeDecoder(1024)(SessionEngine(Recording(ScriptedModel(noise))), JOBS)


def recorded(jobs: list[Job]) -> list[Script]:
    recording = Recording(ScriptedModel(noise))
    SpeculativeDecoder(1)(SessionEngine(recording), jobs)
    return recording.scripts


def more(script: Script) -> Script:
    return replace(script, answers=[[*answer, 0] for answer in script.answers])


def fewer(script: Script) -> Script:
    return replace(script, answers=script.answers[:-1])


def strange(script: Script) -> Script:
    return replace(script, answers=[[99] * len(answer) for answer in script.answers])


def another(script: Script) -> Script:
    return replace(script, first=(*script.first, 0))


@pytest.mark.parametrize("changed", [more, fewer, strange, another])
def test_a_script_for_other_drafts_is_refused(changed: Callable[[Script], Script]) -> None:
    replaying = Replaying(ScriptedModel(noise), map(changed, recorded(JOBS)))
    with pytest.raises(ValueError, match=r"run benchmarks/record\.py again"):
        SpeculativeDecoder(1)(SessionEngine(replaying), JOBS)
