"""How many passes drafts take; that they find what the greedy decoder finds is in
test_decoders.py. A pass is a question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.draft import Draft
from spacy_genner.decoding.interfaces import Reply
from spacy_genner.decoding.marks import Pattern, marks_of
from spacy_genner.decoding.moves import spell
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.types import Entity, Source
from tests.decoding.scripted import ScriptedModel, encode, noise, plan_of, wanting
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import LABELS, job_of, said, words
from tests.strategies import examples, label_sets, nested, sources

SOURCE = words("He met Ann Lee in Leeds .")


def passes(source: Source, wanted: list[Entity], labels: dict[str, str] = LABELS) -> int:
    """The number of questions to a model that wants these entities, and is indifferent after a
    wrong beginning: it copies there."""
    job = job_of(source, labels)
    ids, _ = spell(job.grammar, job.grammar.derive(wanted), encode)
    engine = ScriptedEngine(wanting([*job.prefix, *job.body, *ids]))
    (trace,) = SpeculativeDecoder()(engine, [job])
    assert said(job, trace) == wanted
    return engine.asked[0]


def test_a_source_without_entities_costs_one_pass() -> None:
    assert passes(SOURCE, []) == 1


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ([Entity(2, 4, "PER")], 3),  # opened; closed with the first label; right
        ([Entity(2, 4, "ORG")], 4),  # … with another label
        ([Entity(0, 7, "PER")], 2),  # the draft closes it at the end of the source
        ([Entity(2, 4, "PER"), Entity(5, 6, "PER")], 5),
        ([Entity(2, 3, "PER"), Entity(2, 4, "PER")], 5),  # opened twice, closed twice, right
    ],
)
def test_a_pass_for_each_surprise(wanted: list[Entity], count: int) -> None:
    assert passes(SOURCE, wanted) == count


@given(st.data())
@examples(2.5)
def test_each_pass_settles_a_decision(data: st.DataObject) -> None:
    source, labels = data.draw(sources(max_size=6)), data.draw(label_sets)
    wanted = sorted(data.draw(nested(source, labels, 2)))
    job = job_of(source, labels)
    _, decisions = spell(job.grammar, job.grammar.derive(wanted), encode)
    assert passes(source, wanted, labels) <= len(decisions) + 1


NESTED = [Entity(2, 3, "PER"), Entity(2, 4, "ORG"), Entity(5, 6, "GPE")]
RIGHT = marks_of(job_of(SOURCE).grammar.derive(NESTED))


@pytest.mark.parametrize(
    ("marks", "copies_first", "count"),
    [
        (RIGHT, False, 2),  # the prompt; the right draft
        (RIGHT, True, 2),  # prompt and copy; the right draft
        ([()] * 8, False, 10),  # a draft head that sees nothing
        ([(("open", None),)] * 8, False, None),  # one that is wrong everywhere
        (None, False, 10),
    ],
)
def test_drafts_of_a_draft_head(
    marks: list[Pattern] | None, copies_first: bool, count: int | None
) -> None:
    job = job_of(SOURCE)
    ids, _ = spell(job.grammar, job.grammar.derive(NESTED), encode)
    plan = plan_of(marks) if marks else None
    engine = ScriptedEngine(wanting([*job.prefix, *job.body, *ids]), plan, copies_first)
    (trace,) = SpeculativeDecoder()(engine, [job])
    assert said(job, trace) == NESTED
    assert count is None or engine.asked == [count]
    assert [question.propose for question in engine.questions[0]][:2] == [True, False]


def text(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def verify(draft: Draft, wanted: dict[int, str]) -> None:
    """Verify a draft: the model wants these characters at some decisions, by their number, and else
    the first choice."""
    choices = draft.question().choices
    log_probs = np.full((len(choices), max(map(len, choices))), -9.0, dtype=np.float32)
    for n, ids in enumerate(choices):
        log_probs[n, ids.index(ord(wanted[n])) if n in wanted else 0] = 0.0
    draft.verify(Reply(log_probs))


def test_the_prompt_alone_is_read_first_if_copies_are_seldom_right() -> None:
    draft = Draft(job_of(words("Ann met Lee")))
    first = draft.first_question(copies_first=False)
    assert text(first.ids) == "Ann met Lee → "  # and what is certain
    assert first.places == [len(first.ids)] and first.choices == [encode("A[")]
    draft.verify(Reply(np.array([[-0.5, -0.9]], dtype=np.float32)))
    assert text(draft.question().ids) == "Ann met Lee → Ann met "
    assert [list(row) for row in draft.log_probs] == [[np.float32(-0.5), np.float32(-0.9)]]


def test_what_was_said_after_a_difference_is_expected_where_it_is_possible_again() -> None:
    """In the first pass the model wants to open two spans, and only then to close the first."""
    draft = Draft(job_of(words("Ann met Lee ."), {"PER": ""}))
    assert text(draft.walk.ids) == " Ann met Lee ."
    verify(draft, {0: "[", 2: "["})
    assert text(draft.walk.ids) == " [Ann met Lee . | PER]"
    assert len(draft.log_probs) == 1
    verify(draft, {1: "|"})
    assert text(draft.walk.ids) == " [Ann | PER] met [Lee . | PER]"


@pytest.mark.parametrize("max_depth", [1, 2])
def test_passes_do_not_depend_on_the_number_of_entities(
    max_depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that would close a span wherever one is open: after an unclosed one it says nothing
    of where to open."""
    monkeypatch.setattr("spacy_genner.decoding.draft._FIRST", 10**6)  # drafts of the whole answer

    def rule(history: tuple[int, ...], id: int) -> float:
        before_ann = history[-2:] in (tuple(encode("→ ")), tuple(encode("t ")))
        return {"|": 2.0, "[": 1.0 if before_ann else -1.0}.get(chr(id), 0.0)

    def asked(count: int) -> list[int]:
        job = job_of(words("Ann met " * count), {"PER": ""}, InlineBracketed(max_depth))
        engine = ScriptedEngine(rule)
        (trace,) = SpeculativeDecoder()(engine, [job])
        assert said(job, trace) == [Entity(n, n + 1, "PER") for n in range(0, 2 * count, 2)]
        return engine.asked

    assert asked(9) == asked(3)


def test_wrong_drafts_of_long_texts_are_short() -> None:
    """A model that agrees with no draft: what is read grows as the text does."""

    def read(count: int) -> int:
        model = ScriptedModel(noise)
        SpeculativeDecoder()(
            SessionEngine(model), [job_of(words("Ann met Lee in Leeds . " * count))]
        )
        return model.read

    assert read(32) < 6 * read(8)


def test_right_drafts_of_long_texts_are_long() -> None:
    assert passes(words("He met Ann Lee in Leeds . " * 32), []) == 3


def test_a_draft_reads_up_to_its_last_decision_only() -> None:
    question = Draft(job_of(words("Ann met Lee"), {"PER": ""})).question()
    assert text(question.ids) == "Ann met Lee → Ann met "
    assert question.places[-1] == len(question.ids)
