from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_genner.decoding.marks import Marks, marks_of, policy_of
from spacy_genner.decoding.moves import Walk, spell
from spacy_genner.formats.base import Grammar
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels import as_labels
from spacy_genner.types import Entity, Source
from tests.decoding.scripted import encode
from tests.strategies import label_sets, nested, sources

LABELS = as_labels(["PER", "GPE"])
OPEN, PER, GPE = ("open", None), ("close", "PER"), ("close", "GPE")
XYZ = Source(("x", "y", "z"), (False, True, True))


def follow(marks: Marks, grammar: Grammar) -> str:
    """The answer of a walk that takes what is to be expected."""
    policy, walk = policy_of(marks, grammar, encode), Walk(grammar, encode)
    while walk.choices:
        walk.choose(walk.choices.index(policy[walk.key]))
    return "".join(map(chr, walk.ids))


def grammar_of(max_depth: int = 2, label_first: bool = False) -> Grammar:
    return InlineBracketed(max_depth, label_first).grammar(XYZ, LABELS)


def test_marks_stand_in_the_gaps() -> None:
    moves = grammar_of().derive([Entity(0, 2, "PER"), Entity(1, 2, "GPE")])
    assert marks_of(moves) == [(OPEN,), (OPEN,), (GPE, PER), ()]
    first = grammar_of(label_first=True).derive([Entity(2, 3, "GPE")])
    assert marks_of(first) == [(), (), (("open", "GPE"),), (("close", None),)]


@given(st.data(), st.integers(1, 3), st.booleans())
@settings(max_examples=100, deadline=None)
def test_marks_say_all_of_a_derivation(data: st.DataObject, max_depth: int, label_first: bool) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = InlineBracketed(max_depth, label_first).grammar(source, labels)
    moves = grammar.derive(data.draw(nested(source, labels, max_depth)))
    ids, _ = spell(grammar, moves, encode)
    assert len(marks_of(moves)) == len(source) + 1
    assert follow(marks_of(moves), grammar) == "".join(map(chr, ids))


@pytest.mark.parametrize(
    ("marks", "answer"),
    [
        ([(), (), (), ()], "x y z"),
        ([(PER,), (), (), ()], "x y z"),  # nothing is open
        ([(OPEN,), (), (), ()], "[x y z | PER]"),  # never closed
        ([(OPEN, OPEN, OPEN), (PER, GPE), (), ()], "[[x | PER] | GPE] y z"),  # too deep
        ([(OPEN, ("open", "GPE")), (("close", "ORG"), GPE), (), ()], "[x | GPE] y z"),  # no such marks
        ([(), (), (), (OPEN, PER)], "x y z"),  # nothing is left
        ([(OPEN, PER), (PER,), (), ()], "[x | PER] y z"),  # nothing is in it yet
    ],
)
def test_marks_that_are_not_legal_are_left_out(marks: Marks, answer: str) -> None:
    assert follow(marks, grammar_of()) == answer


def test_nothing_to_mark() -> None:
    grammar = InlineBracketed().grammar(Source((), ()), LABELS)
    assert policy_of([()], grammar, encode) == {} and marks_of([]) == [()]
