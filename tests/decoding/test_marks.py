from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.marks import COPY, Mark, Pattern, Plan, marks_of
from spacy_genner.decoding.moves import Walk, spell
from spacy_genner.formats.base import Grammar
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity, Source
from tests.decoding.scripted import encode, plan_of
from tests.strategies import examples, label_sets, nested, sources

LABELS = as_labels(["PER", "GPE"])
OPEN, PER, GPE = ("open", None), ("close", "PER"), ("close", "GPE")
XYZ = Source(("x", "y", "z"), (False, True, True))


def follow(plan: Plan, grammar: Grammar) -> str:
    """The answer of a walk that takes what is to be expected."""
    walk = Walk(grammar, encode)
    while walk.choices:
        walk.choose(walk.expected(plan))
    return "".join(map(chr, walk.ids))


def first(plan: Plan, gap: int, depth: int, written: Pattern) -> Mark:
    return next(plan.expected(gap, depth, written), COPY)


def grammar_of(max_depth: int = 2, label_first: bool = False) -> Grammar:
    return InlineBracketed(max_depth, label_first).grammar(XYZ, LABELS)


def test_marks_stand_in_the_gaps() -> None:
    moves = grammar_of().derive([Entity(0, 2, "PER"), Entity(1, 2, "GPE")])
    assert marks_of(moves) == [(OPEN,), (OPEN,), (GPE, PER), ()]
    first = grammar_of(label_first=True).derive([Entity(2, 3, "GPE")])
    assert marks_of(first) == [(), (), (("open", "GPE"),), (("close", None),)]


def test_nothing_to_mark() -> None:
    assert marks_of([]) == [()]
    assert follow(plan_of([()]), InlineBracketed().grammar(Source((), ()), LABELS)) == ""


@given(st.data(), st.integers(1, 3), st.booleans())
@examples(2.5)
def test_a_plan_that_is_sure_says_all_of_a_derivation(
    data: st.DataObject, max_depth: int, label_first: bool
) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = InlineBracketed(max_depth, label_first).grammar(source, labels)
    moves = grammar.derive(data.draw(nested(source, labels, max_depth)))
    ids, _ = spell(grammar, moves, encode)
    assert len(marks_of(moves)) == len(source) + 1
    assert follow(plan_of(marks_of(moves)), grammar) == "".join(map(chr, ids))


@pytest.mark.parametrize(
    ("marks", "answer"),
    [
        ([(), (), (), ()], "x y z"),
        ([(PER,), (), (), ()], "x y z"),  # nothing is open
        ([(OPEN,), (), (), ()], "x y z"),  # never closed
        ([(OPEN, OPEN, OPEN), (PER, GPE), (PER,), ()], "[[x | PER] | GPE] y z"),  # too deep
        ([(("open", "GPE"),), (("close", None),), (), ()], "x y z"),  # no such marks
        ([(OPEN,), (("close", "ORG"),), (), ()], "[x y z | PER]"),  # no such label
    ],
)
def test_marks_that_are_not_legal_are_left_out(marks: list[Pattern], answer: str) -> None:
    assert follow(plan_of(marks), grammar_of()) == answer


PATTERNS: list[Pattern] = [(), (OPEN,), (OPEN, OPEN), (PER,), (GPE,), (PER, OPEN), (PER, GPE)]


def scores(*gaps: dict[int, float]) -> np.ndarray:
    """Log-probabilities of PATTERNS by index; all others are improbable."""
    return np.array([[gap.get(i, -50.0) for i in range(len(PATTERNS))] for gap in gaps])


def test_a_span_that_was_not_expected_is_closed_where_that_is_most_probable() -> None:
    plan = Plan(
        PATTERNS, scores({0: -0.1, 1: -3}, {0: -0.1, 3: -8}, {0: -0.1, 4: -5}, {0: -0.1, 3: -7})
    )
    assert [first(plan, gap, 0, ()) for gap in range(4)] == [COPY] * 4
    assert first(plan, 0, 0, (OPEN,)) == COPY
    assert [first(plan, gap, 1, ()) for gap in (1, 2)] == [COPY, GPE]
    assert first(plan, 2, 1, (GPE,)) == COPY
    assert first(plan, 3, 1, ()) == PER  # the last gap


def test_a_label_that_was_not_asked_for_is_the_most_probable_at_its_place() -> None:
    plan = Plan(PATTERNS, scores({1: 0}, {0: -0.1, 3: -9, 4: -5}, {0: 0, 3: -1}))
    walk = Walk(InlineBracketed().grammar(Source(("x", "y"), (False, True)), LABELS), encode)
    walk.choose(walk.expected(plan))
    walk.choose(0)
    assert walk.ids == encode("[x ") and walk.choices == encode("y[|") and walk.expected(plan) == 0
    walk.choose(2)
    assert walk.choices == encode("PG") and walk.expected(plan) == 1


@given(st.data())
def test_no_other_marks_are_more_probable(data: st.DataObject) -> None:
    """Against all derivations of three gaps that leave nothing open."""
    values = data.draw(st.lists(st.integers(-9, 0), min_size=21, max_size=21, unique=False))
    matrix = (
        np.array(values, dtype=float).reshape(3, 7) + np.linspace(0, 0.1, 21).reshape(3, 7) ** 2
    )
    depth = data.draw(st.integers(0, 2))
    possible = [
        picks
        for picks in itertools.product(range(7), repeat=3)
        if legal([PATTERNS[i] for i in picks], depth)
    ]
    if not possible:
        return
    best = max(possible, key=lambda picks: sum(matrix[gap, i] for gap, i in enumerate(picks)))
    plan, found, now = Plan(PATTERNS, matrix), list[Pattern](), depth
    for gap in range(3):
        written: Pattern = ()
        while (mark := first(plan, gap, now, written)) != COPY:
            written = (*written, mark)
        found.append(written)
        now += sum({"open": 1, "close": -1}[kind] for kind, _ in written)
    assert found == [PATTERNS[i] for i in best]


def legal(gaps: Sequence[Pattern], depth: int) -> bool:
    for kind, _ in itertools.chain(*gaps):
        depth += 1 if kind == "open" else -1
        if depth < 0:
            return False
    return depth == 0
