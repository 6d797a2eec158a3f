"""How many passes drafts take; that they find what the greedy decoder finds is in
test_decoders.py."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.draft import Draft
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.marks import Pattern, marks_of
from spacy_genner.decoding.moves import spell
from spacy_genner.decoding.speculative import _PASS, SpeculativeDecoder, fullest
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.types import Entity, Source
from tests.decoding.reference import same
from tests.decoding.scripted import ScriptedModel, ScriptedSession, encode, noise, plan_of, wanting
from tests.decoding.test_decoders import LABELS, PREFIX, job_of, said, words
from tests.strategies import examples, label_sets, nested, sources

SOURCE = words("He met Ann Lee in Leeds .")


def decode(source: Source, wanted: list[Entity], labels: dict[str, str] = LABELS) -> ScriptedModel:
    """Decode with a model that wants these entities, and is indifferent after a wrong beginning:
    it copies there."""
    job = job_of(source, labels)
    ids, _ = spell(job.grammar, job.grammar.derive(wanted), encode)
    model = ScriptedModel(wanting([*job.prefix, *job.body, *ids]))
    (trace,) = SpeculativeDecoder()(model, [job])
    assert said(job, trace) == wanted
    return model


def test_a_source_without_entities_costs_one_pass() -> None:
    assert decode(SOURCE, []).passes == 1


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ([Entity(2, 4, "PER")], 3),  # opened; closed with the first label; right
        ([Entity(2, 4, "ORG")], 4),  # … with another label
        ([Entity(0, 7, "PER")], 2),  # the draft closes it at the end of the source
        ([Entity(2, 4, "PER"), Entity(5, 6, "PER")], 5),
        ([Entity(2, 3, "PER"), Entity(2, 4, "PER")], 5),  # opened twice, closed twice, right
    ],
)
def test_a_pass_for_each_surprise(wanted: list[Entity], passes: int) -> None:
    assert decode(SOURCE, wanted).passes == passes


@given(st.data())
@examples(2.5)
def test_each_pass_settles_a_decision(data: st.DataObject) -> None:
    source, labels = data.draw(sources(max_size=6)), data.draw(label_sets)
    wanted = sorted(data.draw(nested(source, labels, 2)))
    job = job_of(source, labels)
    _, decisions = spell(job.grammar, job.grammar.derive(wanted), encode)
    assert decode(source, wanted, labels).passes <= len(decisions) + 1


NESTED = [Entity(2, 3, "PER"), Entity(2, 4, "ORG"), Entity(5, 6, "GPE")]
RIGHT = marks_of(job_of(SOURCE).grammar.derive(NESTED))


@pytest.mark.parametrize(
    ("marks", "copies_first", "passes"),
    [
        (RIGHT, False, 2),  # the prompt; the right draft
        (RIGHT, True, 2),  # prompt and copy; the right draft
        ([()] * 8, False, 10),  # a draft head that sees nothing
        ([(("open", None),)] * 8, False, None),  # one that is wrong everywhere
        (None, False, 10),
    ],
)
def test_drafts_of_a_draft_head(
    marks: list[Pattern] | None, copies_first: bool, passes: int | None
) -> None:
    job = job_of(SOURCE)
    ids, _ = spell(job.grammar, job.grammar.derive(NESTED), encode)
    plan = plan_of(marks) if marks else None
    model = ScriptedModel(wanting([*job.prefix, *job.body, *ids]), plan, copies_first)
    (trace,) = SpeculativeDecoder()(model, [job])
    assert said(job, trace) == NESTED
    assert passes is None or model.passes == passes


def test_the_prompt_alone_is_read_first_if_copies_are_seldom_right() -> None:
    draft = Draft(job_of(words("Ann met Lee")))
    draft.restart(with_draft=False)
    assert "".join(map(chr, draft.chunk)) == "Ann met Lee → "  # and what is certain
    assert draft.asked() == [(len(draft.chunk) - 1, encode("A["))]
    assert draft.settle([([-0.5, -0.9], 0)]) == 0
    assert "".join(map(chr, draft.chunk)) == "Ann met " and draft.log_probs == [[-0.5, -0.9]]


def test_what_was_said_after_a_difference_is_expected_where_it_is_possible_again() -> None:
    """In the first pass the model wants to open two spans, and only then to close the first."""
    draft = Draft(job_of(words("Ann met Lee ."), {"PER": ""}))

    def settle(wanted: dict[int, str]) -> int:
        answers = [
            ids.index(ord(wanted[n])) if n in wanted else 0
            for n, (_, ids) in enumerate(draft.asked())
        ]
        return draft.settle([([], best) for best in answers])

    assert "".join(map(chr, draft.walk.ids)) == " Ann met Lee ."
    vain = settle({0: "[", 2: "["})
    assert "".join(map(chr, draft.walk.ids)) == " [Ann met Lee . | PER]"
    assert vain == len(" Ann met Lee ") - len(" ")  # the last decision is before the full stop
    assert len(draft.log_probs) == 1
    settle({1: "|"})
    assert "".join(map(chr, draft.walk.ids)) == " [Ann | PER] met [Lee . | PER]"


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

    def passes(count: int) -> int:
        job = job_of(words("Ann met " * count), {"PER": ""}, InlineBracketed(max_depth))
        model = ScriptedModel(rule)
        (trace,) = SpeculativeDecoder()(model, [job])
        assert said(job, trace) == [Entity(n, n + 1, "PER") for n in range(0, 2 * count, 2)]
        return model.passes

    assert passes(9) == passes(3)


def test_wrong_drafts_of_long_texts_are_short() -> None:
    """A model that agrees with no draft: what is read grows as the text does."""

    def read(count: int) -> int:
        model = ScriptedModel(noise)
        SpeculativeDecoder()(model, [job_of(words("Ann met Lee in Leeds . " * count))])
        return model.read

    assert read(32) < 6 * read(8)


def test_right_drafts_of_long_texts_are_long() -> None:
    assert decode(words("He met Ann Lee in Leeds . " * 32), []).passes == 3


def test_a_draft_reads_up_to_its_last_decision_only() -> None:
    draft = Draft(job_of(words("Ann met Lee"), {"PER": ""}))
    assert "".join(map(chr, draft.chunk)) == "Ann met Lee → Ann met "
    assert draft.asked()[-1][0] == len(draft.chunk) - 1


def test_a_batch_holds_prompts_and_drafts() -> None:
    jobs = [job_of(words(text)) for text in ("a b", "c d", "e f")]
    size = len(Draft(jobs[0]).chunk)
    model = ScriptedModel(wanting())
    SpeculativeDecoder(2 * size)(model, jobs)
    assert model.sessions == [(PREFIX, 2), (PREFIX, 1)]


def test_a_prefix_that_each_row_reads_counts_in_a_batch() -> None:
    jobs = [job_of(words(text)) for text in ("a b", "c d", "e f")]
    model = ScriptedModel(wanting())
    model.rereads = True
    SpeculativeDecoder(2 * len(Draft(jobs[0]).chunk) + len(PREFIX))(model, jobs)
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
    traces = SpeculativeDecoder()(model, jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == wanted
    assert model.passes == 3
    alone = ScriptedModel(rule)
    SpeculativeDecoder(1)(alone, jobs)
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
    expected = GreedyDecoder()(ScriptedModel(noise), jobs)
    model = SmallModel(noise)
    model.memory = 60
    decoder = SpeculativeDecoder(400)
    for _ in range(2):  # each call begins anew: another one may have the memory to itself
        with pytest.warns(UserWarning, match="out of memory: going on with batch_tokens = 200"):
            assert all(map(same, decoder(model, jobs), expected))
    assert decoder.batch_tokens == 400


def test_a_single_text_that_does_not_fit_is_an_error() -> None:
    model = SmallModel(noise)
    model.memory = 30
    with pytest.raises(torch.OutOfMemoryError), pytest.warns(UserWarning, match="out of memory"):
        SpeculativeDecoder(400)(model, [job_of(words("Ann")), job_of(SOURCE)])


lengths = st.lists(st.integers(1, 200), max_size=12)


@given(lengths, st.integers(1, 1000))
def test_rows_of_a_pass_fit_the_budget_and_waste_less_than_a_pass(
    lengths: list[int], budget: int
) -> None:
    group = [lengths[n] for n in fullest(lengths, budget)]
    assert (len(group) > 0) == (len(lengths) > 0)
    assert len(group) <= 1 or len(group) * max(group) <= budget
    assert sum(max(group) - length for length in group) <= _PASS


def test_the_fullest_group_is_read_first() -> None:
    assert fullest([100, 10, 98, 60, 9, 59, 61], budget=1000) == [0, 2]
    assert fullest([100, 10, 60, 9, 59, 61], budget=1000) == [5, 2, 4]
    assert fullest([100, 10, 60, 9, 59, 61], budget=130) == [5, 2]


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
    budget = 2 * len(Draft(jobs[0]).chunk)
    traces = SpeculativeDecoder(budget)(model, jobs)
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
    traces = SpeculativeDecoder(6 * len(Draft(jobs[0]).chunk))(model, jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == wanted
    assert model.gathered[:2] == [1, 2]  # the first row of each batch is taken out of it
