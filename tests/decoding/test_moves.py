from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.moves import Decision, Walk, spell, trie
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity, Move, Source
from tests.decoding.scripted import encode
from tests.strategies import label_sets, nested, sources

X, Y = Source(("x",), (False,)), Source(("x", "yy"), (False, True))
FORMAT = InlineBracketed(max_depth=2)


def move(text: str) -> Move:
    return Move("copy", text)


def readable(node: Any) -> Any:
    """A trie with characters for ids."""
    return (
        node if isinstance(node, Move) else {chr(id): readable(child) for id, child in node.items()}
    )


def test_moves_share_their_beginnings_in_the_order_of_the_moves() -> None:
    abc, x, abd = move("abc"), move("x"), move("abd")
    tree = readable(trie([abc, x, abd], encode))
    assert tree == {"a": {"b": {"c": abc, "d": abd}}, "x": x}
    assert list(tree) == ["a", "x"] and list(tree["a"]["b"]) == ["c", "d"]


def test_no_moves_make_an_empty_trie() -> None:
    assert trie([], encode) == {}


@pytest.mark.parametrize(
    ("texts", "clash"),
    [
        (("ab", "ab"), "'ab' and 'ab'"),
        (("ab", "abc"), "'abc' and 'ab'"),
        (("abc", "ab"), "'ab' and 'abc'"),
        (("a", "abc"), "'abc' and 'a'"),
        (("abc", "a"), "'a' and 'abc'"),
        (("b", "ac", "abc", "abd", "ab"), "'ab' and 'abc'"),
    ],
)
def test_moves_that_cannot_be_told_apart_are_refused(texts: tuple[str, ...], clash: str) -> None:
    with pytest.raises(ValueError, match=f"^{clash} cannot be told apart.*: choose other labels"):
        trie([move(text) for text in texts], encode)


@pytest.mark.parametrize("texts", [("",), ("x", ""), ("", "x")])
def test_a_move_that_writes_nothing_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="writes no token id for '': choose other labels"):
        trie([move(text) for text in texts], encode)


def test_moves_that_a_tokenizer_writes_alike_are_refused() -> None:
    """As "ORG" and "org" by a tokenizer without capitals."""
    with pytest.raises(ValueError, match="'org' and 'ORG' cannot be told apart"):
        trie([move("ORG"), move("org")], lambda text: encode(text.lower()))


def rows(walk: Walk, *logprobs: float) -> list[list[float]]:
    """The log-probabilities of all choices, given those of the chosen ones: nothing else is
    possible."""
    return [
        [logprob if n == decision.chosen else -math.inf for n in range(len(decision.choices))]
        for decision, logprob in zip(walk.decisions, logprobs, strict=True)
    ]


def test_a_walk_without_a_choice_is_over_at_once() -> None:
    walk = Walk(FORMAT.grammar(Y, {}), encode)
    assert walk.ids == encode("x yy") and walk.choices == []
    assert [(step.move.text, step.logprob, step.forced) for step in walk.trace([])] == [
        ("x", 0, True),
        (" yy", 0, True),
    ]


def test_a_walk_over_nothing() -> None:
    walk = Walk(FORMAT.grammar(Source((), ()), as_labels(["A"])), encode)
    assert (walk.ids, walk.trace([]), walk.choices) == ([], (), [])


def test_a_walk_stops_only_where_there_is_a_choice() -> None:
    """Of a move of several ids only some are chosen; its log-probability is their sum."""
    walk = Walk(FORMAT.grammar(Y, as_labels(["AB", "AC"])), encode)
    assert walk.choices == encode("x[") and walk.ids == []
    walk.choose(1)
    assert walk.choices == encode("x[") and walk.ids == encode("[")
    walk.choose(0)
    assert walk.ids == encode("[x ") and walk.choices == encode("y[|")
    walk.choose(2)
    assert walk.ids == encode("[x | A") and walk.choices == encode("BC")
    walk.choose(1)
    assert walk.ids == encode("[x | AC] ") and walk.choices == encode("y[")
    walk.choose(0)
    assert walk.ids == encode("[x | AC] yy") and walk.choices == []
    assert [
        (s.move.text, s.logprob, s.forced)
        for s in walk.trace(rows(walk, -0.5, -0.25, -1.0, -2.0, -4.0))
    ] == [
        ("[", -0.5, False),
        ("x", -0.25, False),
        (" | AC]", -3.0, False),
        (" yy", -4.0, False),
    ]


def test_a_forced_move_counts_nothing() -> None:
    walk = Walk(FORMAT.grammar(X, as_labels(["A"])), encode)
    walk.choose(1)
    assert [
        (step.move.text, step.logprob, step.forced) for step in walk.trace(rows(walk, -0.5))
    ] == [
        ("[", -0.5, False),
        ("x", 0.0, True),
        (" | A]", 0.0, True),
    ]


def test_a_choice_that_is_certain_is_still_a_choice() -> None:
    walk = Walk(FORMAT.grammar(X, as_labels(["A"])), encode)
    walk.choose(0)
    assert [(step.logprob, step.forced) for step in walk.trace(rows(walk, 0.0))] == [(0.0, False)]


@pytest.mark.parametrize("limit", [0, 1, 3, 6, 9, 10])
def test_a_walk_outgrows_its_limit_where_the_next_choice_is_after_it(limit: int) -> None:
    """The choices come after 0, 1, 3, 6 and 9 ids; what comes after the last one need not be
    read."""
    grammar = FORMAT.grammar(Y, as_labels(["AB", "AC"]))
    walk = Walk(grammar, encode, limit)
    for place, choice in zip((0, 1, 3, 6, 9), (1, 0, 2, 1, 0), strict=True):
        assert walk.outgrown == (place > limit)
        walk.choose(choice)
    assert len(walk.ids) == 11 and walk.outgrown == (limit < 9)
    assert not Walk(grammar, encode).outgrown


def test_spelling_gives_the_ids_and_the_decisions() -> None:
    grammar = FORMAT.grammar(Y, as_labels(["AB", "AC"]))
    spelled, decisions = spell(grammar, grammar.derive([Entity(0, 1, "AC")]), encode)
    assert spelled == encode("[x | AC] yy")
    assert [(d.position, d.choices, d.chosen) for d in decisions] == [
        (0, encode("x["), 1),
        (1, encode("x["), 0),
        (3, encode("y[|"), 2),
        (6, encode("BC"), 1),
        (9, encode("y["), 0),
    ]
    assert [d.copies for d in decisions] == [False, True, False, False, True]


def test_without_a_choice_there_are_no_decisions() -> None:
    grammar = FORMAT.grammar(Y, {})
    assert spell(grammar, grammar.derive([]), encode) == (encode("x yy"), [])


def test_an_illegal_derivation_cannot_be_spelled() -> None:
    with pytest.raises(ValueError):
        spell(FORMAT.grammar(Y, as_labels(["A"])), [move("x"), move(" zz")], encode)


@given(st.data())
def test_a_walk_that_takes_every_decision_ends_where_the_derivation_does(
    data: st.DataObject,
) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = FORMAT.grammar(source, labels)
    moves = grammar.derive(data.draw(nested(source, labels, FORMAT.max_depth)))
    spelled, decisions = spell(grammar, moves, encode)
    walk = Walk(grammar, encode)
    for decision in decisions:
        assert_stopped_at(walk, decision)
        walk.choose(decision.chosen)
    assert (
        walk.choices == []
        and walk.ids == spelled
        and walk.moves == moves
        and walk.decisions == decisions
    )
    trace = walk.trace(rows(walk, *[-1.0] * len(decisions)))
    assert [step.move for step in trace] == moves
    assert sum(step.logprob for step in trace) == -len(decisions)
    assert all(step.forced == (step.logprob == 0) for step in trace)


@given(st.data())
def test_a_walk_that_was_taken_back_goes_on_as_if_nothing_had_been(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = FORMAT.grammar(source, labels)
    walk = Walk(grammar, encode)
    before = list[Any]()
    while walk.choices:
        before.append(
            (walk.choices, list(walk.ids), list(walk.moves), list(walk.decisions), walk.key)
        )
        walk.choose(data.draw(st.integers(0, len(walk.choices) - 1)))
    for count in (
        data.draw(
            st.lists(st.integers(0, len(before) - 1), unique=True).map(lambda c: sorted(c)[::-1])
        )
        if before
        else []
    ):
        walk.rewind(count)
        assert (walk.choices, walk.ids, walk.moves, walk.decisions, walk.key) == before[count]
    moves = grammar.derive(data.draw(nested(source, labels, FORMAT.max_depth)))
    spelled, decisions = spell(grammar, moves, encode)
    if walk.decisions:
        walk.rewind(0)
    for decision in decisions:
        walk.choose(decision.chosen)
    assert walk.ids == spelled and walk.moves == moves


def test_a_key_names_a_place_whatever_was_marked_before() -> None:
    """Copies, marks since the last one, ids inside the move, choices: it survives marks inserted
    before."""
    grammar = FORMAT.grammar(Y, as_labels(["AB", "AC"]))
    plain, marked = Walk(grammar, encode), Walk(grammar, encode)
    plain.choose(0)
    for index in (1, 0, 2, 1):  # [x | AC]
        marked.choose(index)
    assert marked.ids == encode("[x | AC] ") and plain.ids == encode("x ")
    assert plain.key != marked.key
    marked.choose(0)
    assert marked.choices == []
    inside = Walk(grammar, encode)
    for index in (1, 0):  # [x
        inside.choose(index)
    assert inside.ids == encode("[x ") and inside.key == (
        1,
        (),
        tuple(encode(" ")),
        tuple(encode("y[|")),
    )
    assert plain.key == (1, (), tuple(encode(" ")), tuple(encode("y[")))  # nothing to be closed


def assert_stopped_at(walk: Walk, decision: Decision) -> None:
    assert (len(walk.ids), walk.choices) == (decision.position, decision.choices)


def test_a_tag_for_no_entity_copies() -> None:
    grammar = BIO().grammar(Y, as_labels(["A"]))
    _, decisions = spell(grammar, grammar.derive([Entity(1, 2, "A")]), encode)
    assert [decision.copies for decision in decisions] == [True, False]
