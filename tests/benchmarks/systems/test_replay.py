"""A model of another size decides what the recorded one did, in the same passes."""

import pytest

from benchmarks.systems.replay import Recording, Replaying
from spacy_genner.decoding.marks import marks_of
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.types import Entity
from tests.decoding.scripted import ScriptedModel, noise, plan_of, wanting
from tests.decoding.test_decoders import job_of, words

JOBS = [job_of(words(text)) for text in ("Ann", "Ann met Lee", "He met Ann Lee in Leeds .", "Leeds ?")]
PLAN = plan_of(marks_of(JOBS[2].grammar.derive([Entity(2, 4, "PER")])))


@pytest.mark.parametrize(("plan", "copies_first"), [(None, True), (PLAN, True), (PLAN, False)])
@pytest.mark.parametrize("batch_tokens", [1, 60, 1024])
def test_it_decides_the_same_in_the_same_passes(batch_tokens: int, plan: object, copies_first: bool) -> None:
    jobs = JOBS[2:3] if plan else JOBS
    recording = Recording(ScriptedModel(noise, plan, copies_first))  # type: ignore[arg-type]
    expected = SpeculativeDecoder(1)(recording, jobs)
    replaying = Replaying(ScriptedModel(wanting()), recording.scripts, copies_first)
    traces = SpeculativeDecoder(batch_tokens)(replaying, jobs)
    assert [[step.move for step in trace] for trace in traces] == [[s.move for s in trace] for trace in expected]
    assert replaying.reading.rows == recording.reading.rows
    assert replaying.reading.ids == recording.reading.ids


def test_sentences_are_recorded_alone() -> None:
    with pytest.raises(ValueError, match="batch_tokens = 1"):
        SpeculativeDecoder(1024)(Recording(ScriptedModel(noise)), JOBS)
