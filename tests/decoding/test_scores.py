from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.model import Job
from spacy_genner.decoding.scores import scored_entities
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels import as_labels
from spacy_genner.types import Entity, Source, Step, Trace
from tests.decoding.scripted import ScriptedModel, encode, noise, unread
from tests.strategies import label_sets, sources

SOURCE = Source(tuple("xabcy"), (True,) * 5)
OUTER, INNER = Entity(1, 4, "ORG"), Entity(2, 3, "GPE")
# x · open · a · open · b · close · c · close · y
PROBABILITIES = [0.97, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]


@pytest.mark.parametrize("label_first", [False, True])
def test_a_score_is_the_product_of_the_decisions_that_made_the_span(label_first: bool) -> None:
    grammar = InlineBracketed(2, label_first).grammar(SOURCE, as_labels(["ORG", "GPE"]))
    moves = grammar.derive([OUTER, INNER])
    trace = tuple(Step(move, math.log(p), False) for move, p in zip(moves, PROBABILITIES, strict=True))
    entities = scored_entities(grammar, trace)
    assert entities == [OUTER, INNER]
    assert [entity.score for entity in entities] == pytest.approx([0.9 * 0.7 * 0.4 * 0.3, 0.7 * 0.5])


def test_forced_moves_make_a_sure_span() -> None:
    grammar = InlineBracketed(1).grammar(Source(("x",), (False,)), as_labels(["A"]))
    opened, *rest = grammar.derive([Entity(0, 1, "A")])
    trace = (Step(opened, math.log(0.25), False), *(Step(move, 0.0, True) for move in rest))
    assert [entity.score for entity in scored_entities(grammar, trace)] == [pytest.approx(0.25)]


def test_no_entities() -> None:
    grammar = InlineBracketed().grammar(SOURCE, as_labels(["A"]))
    assert scored_entities(grammar, tuple(Step(move, -1.0, False) for move in grammar.derive([]))) == []


def test_indifference_is_one_over_the_number_of_choices() -> None:
    """A model that thinks alike of all: open or copy, then close with one of three labels or go on."""
    grammar = InlineBracketed(1).grammar(Source(("x", "y"), (True, True)), as_labels(["PER", "GPE", "ORG"]))

    def opens_and_closes(history: tuple[int, ...], id: int) -> float:
        return 0.001 if chr(id) in "[|" else 0.0

    (trace,) = GreedyDecoder()(ScriptedModel(opens_and_closes), [Job((1,), [2], [], grammar, encode, 0, unread)])
    scores = {entity: entity.score for entity in scored_entities(grammar, trace)}
    # behind "x": " y" or " |", then P, G or O; behind "y", the last token, a span can only be closed
    assert scores == {
        Entity(0, 1, "PER"): pytest.approx(1 / 2 * 1 / 2 * 1 / 3, rel=0.01),
        Entity(1, 2, "PER"): pytest.approx(1 / 2 * 1 / 3, rel=0.01),
    }


def decoded(source: Source, labels: dict[str, str], format: InlineBracketed) -> tuple[Job, Trace]:
    job = Job((1,), [*encode("".join(source.words)), 0], [], format.grammar(source, labels), encode, 0, unread)
    return job, GreedyDecoder()(ScriptedModel(noise), [job])[0]


@given(sources(), label_sets, st.builds(InlineBracketed, st.integers(1, 4), st.booleans()))
@settings(max_examples=100, deadline=None)
def test_scores_are_probabilities_and_change_no_span(
    source: Source, labels: dict[str, str], format: InlineBracketed
) -> None:
    job, trace = decoded(source, labels, format)
    scored = scored_entities(job.grammar, trace)
    assert scored == [entity for entity, _ in job.grammar.entities([step.move for step in trace])]
    assert all(0 < entity.score <= 1 for entity in scored)
    least = math.exp(sum(step.logprob for step in trace))
    assert all(entity.score >= least * (1 - 1e-9) for entity in scored)
