from __future__ import annotations

import math

import pytest
from hypothesis import given

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.scores import SCORINGS, scored_entities
from spacy_genner.formats.base import Format
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.inline_xml import InlineXML
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity, Source, Step, Trace
from tests.decoding.scripted import Rule, encode, noise, unread
from tests.decoding.scripted_engine import ScriptedEngine
from tests.formats.table import FORMATS
from tests.strategies import examples, label_sets, sources

SOURCE = Source(tuple("xabcy"), (True,) * 5)
OUTER, INNER = Entity(1, 4, "ORG"), Entity(2, 3, "GPE")
# x · open · a · open · b · close · c · close · y
PROBABILITIES = [0.97, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
ABSENCES = [1.0, 1.0, 1.0, 0.95, 1.0, 0.5, 0.85, 0.3, 1.0]


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize(
    ("scoring", "outer"), [("own", 0.9 * 0.95 * 0.85 * 0.3), ("moves", 0.9 * 0.7 * 0.4 * 0.3)]
)
def test_a_score_is_the_product_of_what_decided_the_span(
    label_first: bool, scoring: str, outer: float
) -> None:
    grammar = InlineBracketed(2, label_first).grammar(SOURCE, as_labels(["ORG", "GPE"]))
    moves = zip(grammar.derive([OUTER, INNER]), PROBABILITIES, ABSENCES, strict=True)
    trace = tuple(Step(move, math.log(p), False, math.log(absence)) for move, p, absence in moves)
    entities = scored_entities(grammar, trace, scoring)
    assert entities == [OUTER, INNER]
    assert [entity.score for entity in entities] == pytest.approx([outer, 0.7 * 0.5])


def test_forced_moves_make_a_sure_span() -> None:
    grammar = InlineBracketed(1).grammar(Source(("x",), (False,)), as_labels(["A"]))
    opened, *rest = grammar.derive([Entity(0, 1, "A")])
    trace = (Step(opened, math.log(0.25), False), *(Step(move, 0.0, True) for move in rest))
    assert [entity.score for entity in scored_entities(grammar, trace)] == [pytest.approx(0.25)]


def test_no_entities() -> None:
    grammar = InlineBracketed().grammar(SOURCE, as_labels(["A"]))
    assert (
        scored_entities(grammar, tuple(Step(move, -1.0, False) for move in grammar.derive([])))
        == []
    )


def found(
    rule: Rule, format: Format, source: Source, *labels: str, scoring: str = "own"
) -> dict[Entity, float]:
    """The scores of what a model finds."""
    grammar = format.grammar(source, as_labels(labels))
    (trace,) = GreedyDecoder()(
        ScriptedEngine(rule), [Job((1,), [2], [], grammar, encode, 0, unread)]
    )
    assert trace
    return {entity: entity.score for entity in scored_entities(grammar, trace, scoring)}


def logits(**of: float) -> Rule:
    """The logits of some characters, 0 for others."""
    return lambda history, id: of.get(chr(id), 0.0)


def test_indifference_is_one_over_the_number_of_choices() -> None:
    """A model that thinks alike of all: open or copy, then close with one of three labels or go
    on."""
    found_all = found(
        logits(**{"[": 0.001, "|": 0.001}), InlineBracketed(1), SOURCE[:2], "PER", "GPE", "ORG"
    )
    # after "x": " a" or " |", then P, G or O; after "a", the last token, a span can only be
    # closed
    assert found_all == {
        Entity(0, 1, "PER"): pytest.approx(1 / 2 * 1 / 2 * 1 / 3, rel=0.01),
        Entity(1, 2, "PER"): pytest.approx(1 / 2 * 1 / 3, rel=0.01),
    }


def odds(*logits: float) -> list[float]:
    """Probabilities."""
    return [math.exp(logit) / sum(map(math.exp, logits)) for logit in logits]


def test_an_uncertain_inner_span_takes_nothing_from_the_outer_one() -> None:
    """After "x" the model opens another span with hardly more than half of what does not close the
    first."""

    def rule(history: tuple[int, ...], id: int) -> float:
        opens = 5.0 if ord("x") not in history else 0.01
        return {"[": opens if history[-1] == ord(" ") else -9.0, "|": -2.0}.get(chr(id), 0.0)

    scores = found(rule, InlineBracketed(2), Source(("x", "y"), (True, True)), "A")
    (opened, _), (copied, again, closed) = odds(5.0, 0.0), odds(0.0, 0.01, -2.0)
    assert scores[Entity(0, 2, "A")] == pytest.approx(opened * (copied + again))
    assert scores[Entity(1, 2, "A")] == pytest.approx(again)
    before = found(rule, InlineBracketed(2), Source(("x", "y"), (True, True)), "A", scoring="moves")
    assert before[Entity(0, 2, "A")] == pytest.approx(opened * again)
    assert before[Entity(1, 2, "A")] == pytest.approx(again)
    assert closed < 0.1


def test_an_entity_of_tags_ends_by_not_going_on() -> None:
    """What comes after it, nothing or one of several labels, is another entity's affair."""

    def rule(history: tuple[int, ...], id: int) -> float:
        wanted = {"B": 3.0} if ord("B") not in history else {"O": 1.0, "I": 0.0, "B": 0.9}
        return wanted.get(chr(id), 0.0)

    source = Source(("x", "y"), (True, True))
    (begun, _), (outside, inside, begin) = odds(3.0, 0.0), odds(1.0, 0.0, 0.9)
    assert found(rule, BIO(), source, "A") == {
        Entity(0, 1, "A"): pytest.approx(begun * (outside + begin))
    }
    assert found(rule, BIO(), source, "A", scoring="moves") == {
        Entity(0, 1, "A"): pytest.approx(begun * outside)
    }
    assert inside > 0.1


def test_marks_that_begin_alike_are_told_apart_where_they_differ() -> None:
    """`<A>` and `</A>` share their first id: how much of it is for the closing tag is asked one id
    later."""

    def rule(history: tuple[int, ...], id: int) -> float:
        return {"<": 1.0 if chr(history[-1]) in " x" else -9.0, "/": -0.5}.get(chr(id), 0.0)

    source = Source(("x", "y"), (True, False))
    scores = found(rule, InlineXML(2), source, "A")
    (opened, _), (copied, tag), (again, close) = odds(1.0, 0.0), odds(0.0, 1.0), odds(0.0, -0.5)
    assert scores == {
        Entity(0, 2, "A"): pytest.approx(opened * (copied + tag * again)),
        Entity(1, 2, "A"): pytest.approx(tag * again),
    }
    assert close > 0.3


def test_lists_score_as_they_did() -> None:
    for scoring in SCORINGS:
        scores = found(logits(A=1.0), TypedList(1), SOURCE[:1], "A", scoring=scoring)
        assert scores == {Entity(0, 1, "A"): pytest.approx(odds(1.0, 0.0)[0])}


def decoded(source: Source, labels: dict[str, str], format: Format) -> tuple[Job, Trace]:
    job = Job(
        (1,),
        [*encode("".join(source.words)), 0],
        [],
        format.grammar(source, labels),
        encode,
        0,
        unread,
    )
    (trace,) = GreedyDecoder()(ScriptedEngine(noise), [job])
    assert trace is not None
    return job, trace


@pytest.mark.parametrize("format", FORMATS, ids=str)
@given(source=sources(max_size=6), labels=label_sets)
@examples(0.4)
def test_scores_are_probabilities_and_change_no_span(
    format: Format, source: Source, labels: dict[str, str]
) -> None:
    job, trace = decoded(source, labels, format)
    own, moves = (scored_entities(job.grammar, trace, scoring) for scoring in SCORINGS)
    assert (
        own
        == moves
        == [entity for entity, _ in job.grammar.entities([step.move for step in trace])]
    )
    assert all(0 < entity.score <= 1 for entity in own)
    least = math.exp(sum(step.logprob for step in trace))
    for entity, before in zip(own, moves, strict=True):
        assert entity.score >= before.score * (1 - 1e-6) and before.score >= least * (1 - 1e-6)
