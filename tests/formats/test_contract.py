"""What every output format promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import combinations, product
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from spacy_genner.answers import Marked, Repairs
from spacy_genner.decoding.moves import spell, trie
from spacy_genner.formats.base import Format, Grammar, parse
from spacy_genner.formats.bio import BIO
from spacy_genner.labels.label_set import as_labels
from spacy_genner.nesting import depths, nest, within_sentences
from spacy_genner.reading.resolve import resolve
from spacy_genner.types import Entity, Source
from tests.formats.table import DELIMITERS, EVERY, FORMATS, asked, copies, tells_places
from tests.strategies import WORDS, derivations, examples, label_sets, nested, sources

OF_THE_SOURCE = ("copy", "mention", "place")
"""Moves that write what no label set knows: tokens, and numbers, whose digits are marks."""

every_format = pytest.mark.parametrize("format", EVERY, ids=str)
many = examples(50, suppress_health_check=[HealthCheck.too_slow])


def check_random_derivation(data: st.DataObject, format: Format) -> None:
    """Every legal way to the end says valid spans, and is the only way to say them."""
    source, labels = data.draw(sources()), asked(format, data.draw(label_sets))
    grammar = format.grammar(source, labels)
    moves = data.draw(derivations(grammar))
    entities = [entity for entity, _ in grammar.entities(moves)]
    assert entities == sorted(set(entities))
    assert all(0 <= e.start < e.end <= len(source) and e.label in labels for e in entities)
    kept, refused = nest(entities)
    assert refused == [] and max(depths(kept), default=0) <= format.max_depth
    assert within_sentences(entities, source) == (entities, [])
    assert grammar.derive(entities) == moves


@every_format
@given(st.data())
def test_random_derivations_are_valid_and_canonical(format: Format, data: st.DataObject) -> None:
    check_random_derivation(data, format)


@pytest.mark.slow
@every_format
@given(st.data())
@many
def test_thousands_of_random_derivations_are_valid_and_canonical(
    format: Format, data: st.DataObject
) -> None:
    check_random_derivation(data, format)


@every_format
@given(st.data())
def test_derived_moves_are_legal_and_say_the_entities(format: Format, data: st.DataObject) -> None:
    source, labels = data.draw(sources()), asked(format, data.draw(label_sets))
    entities = data.draw(nested(source, labels, format.max_depth))
    grammar = format.grammar(source, labels)
    kept, refused = grammar.expressible(entities)
    moves, state = grammar.derive(kept), grammar.start
    for move in moves:
        assert move in grammar.moves(state)
        state = grammar.advance(state, move)
    assert grammar.moves(state) == []
    assert [entity for entity, _ in grammar.entities(moves)] == sorted(kept)
    if not tells_places(format):
        assert {reason for _, reason in refused} <= {"at another place of the same text"}
        assert {entity for entity, _ in refused} == set(entities) - set(kept)
    else:
        assert (sorted(kept), refused) == (sorted(entities), [])


SMALL = [
    (0, []),
    (2, []),
    (0, ["A"]),
    (1, ["A"]),
    (1, ["A", "B", "C"]),
    (3, ["A"]),
    (2, ["A", "B"]),
    (3, ["A", "B"]),
]
"""Sizes of sources, and label sets, small enough to try everything."""


def derivation_sets(grammar: Grammar) -> list[frozenset[Entity]]:
    """The entities of every complete derivation."""
    found, pending = list[frozenset[Entity]](), [(grammar.start, ())]
    while pending:
        state, taken = pending.pop()
        legal = list(grammar.moves(state))
        pending += [(grammar.advance(state, move), (*taken, move)) for move in legal]
        if not legal:
            found.append(frozenset(entity for entity, _ in grammar.entities(taken)))
    return found


@every_format
@pytest.mark.parametrize(("size", "labels"), SMALL)
def test_every_set_of_nested_entities_has_one_derivation(
    format: Format, size: int, labels: list[str]
) -> None:
    """So there are no dead ends either: a derivation that stops early would repeat a set, or say
    none."""
    labels = list(asked(format, labels))
    source = Source(("x",) * size, (True,) * size)
    spans = combinations(range(size + 1), 2)
    possible = [Entity(start, end, label) for start, end in spans for label in labels]
    subsets = [
        frozenset(subset)
        for count in range(len(possible) + 1)
        for subset in combinations(possible, count)
    ]
    grammar = format.grammar(source, as_labels(labels))
    expressible = [subset for subset in subsets if not grammar.expressible(subset)[1]]
    if tells_places(format):
        assert expressible == [
            subset for subset in subsets if not nest(subset, format.max_depth)[1]
        ]
    derived = derivation_sets(grammar)
    assert len(derived) == len(set(derived))
    assert set(derived) == set(expressible)


def sentences(size: int) -> Iterator[tuple[bool, ...]]:
    """Every way in which so many tokens may start sentences."""
    return ((True, *starts) for starts in product([False, True], repeat=size - 1))


def check_sentences(format: Format, size: int, labels: list[str]) -> None:
    """Whatever tokens start sentences: a set of entities has one derivation if it crosses no start,
    else none."""
    labels = list(asked(format, labels))
    possible = [
        Entity(*span, label) for span in combinations(range(size + 1), 2) for label in labels
    ]
    subsets = [
        frozenset(subset)
        for count in range(len(possible) + 1)
        for subset in combinations(possible, count)
    ]
    for starts in sentences(size):
        source = Source(("x",) * size, (True,) * size, starts)
        grammar = format.grammar(source, as_labels(labels))
        derived = derivation_sets(grammar)
        assert len(derived) == len(set(derived))
        assert set(derived) == {subset for subset in subsets if not grammar.expressible(subset)[1]}
        if tells_places(format):
            whole = [subset for subset in subsets if not within_sentences(subset, source)[1]]
            assert set(derived) == {
                subset for subset in whole if not nest(subset, format.max_depth)[1]
            }


@every_format
@pytest.mark.parametrize(("size", "labels"), [(1, ["A", "B"]), (2, ["A", "B"]), (3, ["A"])])
def test_no_entity_crosses_the_start_of_a_sentence(
    format: Format, size: int, labels: list[str]
) -> None:
    check_sentences(format, size, labels)


@pytest.mark.parametrize("labels", ["A", "AB", "ABC"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("format", copies(1, 2, 3), ids=str)
def test_a_copy_with_sentences_comes_to_an_end_and_crosses_none(
    format: Format, size: int, labels: str
) -> None:
    """All states that can be reached: more derivations than could be listed go through them."""
    for starts in sentences(size):
        grammar = format.grammar(
            Source(("x",) * size, (True,) * size, starts), asked(format, labels)
        )
        check_no_dead_end(grammar)
        for state in all_states(grammar):
            if isinstance(format, BIO):
                going_on = (
                    starts[state.position] and state.copied if state.position < size else False
                )
                assert not going_on or all(move.kind != "inside" for move in grammar.moves(state))
            elif getattr(state, "stack", ()):
                assert not any(starts[state.stack[0].start + 1 : state.position])


def all_states(grammar: Grammar) -> dict[Any, set[Any]]:
    """Every state that can be reached, with those that follow."""
    following, pending = dict[Any, set[Any]](), [grammar.start]
    while pending:
        state = pending.pop()
        if state not in following:
            following[state] = {grammar.advance(state, move) for move in grammar.moves(state)}
            pending += following[state]
    return following


@every_format
def test_no_state_is_a_dead_end(format: Format) -> None:
    """A state without moves is a complete answer, and from every state there is a way to one."""
    check_no_dead_end(
        format.grammar(Source(("x", "y", "z"), (True, False, True)), asked(format, ["A", "B"]))
    )


def check_no_dead_end(grammar: Grammar) -> None:
    following = all_states(grammar)
    alive = {state for state, after in following.items() if not after}
    while more := {
        state for state, after in following.items() if state not in alive and after & alive
    }:
        alive |= more
    assert alive == set(following)


@every_format
@given(st.data())
def test_advance_leaves_states_as_they_were(format: Format, data: st.DataObject) -> None:
    labels = asked(format, data.draw(label_sets))
    grammar = format.grammar(data.draw(sources()), labels)
    states, hashes = [grammar.start], [hash(grammar.start)]
    moves = data.draw(derivations(grammar))
    for move in moves:
        states.append(grammar.advance(states[-1], move))
        hashes.append(hash(states[-1]))
    assert states[1:] == [
        grammar.advance(state, move) for state, move in zip(states, moves, strict=False)
    ]
    assert hashes == [hash(state) for state in states]
    assert len(set(states)) == len(states), "a derivation that goes round in circles"


@every_format
@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
@given(data=st.data())
def test_moves_can_be_told_apart_as_tokens(
    format: Format, tokenizer: str, pieces: Callable[[str], Any], data: st.DataObject
) -> None:
    """`spell` builds the trie of every state on the way: none of its moves is the beginning of
    another."""
    encode, check = pieces(tokenizer).encode, pieces(tokenizer).check
    labels = {
        label: ""
        for label in asked(format, data.draw(label_sets))
        if writable(check, format.marks({label: ""}))
    }
    grammar = format.grammar(pieces(tokenizer).readable(data.draw(sources())), labels)
    moves = data.draw(derivations(grammar))
    ids, decisions = spell(grammar, moves, encode)
    assert ids == [id for move in moves for part in move.segments for id in encode(part)]
    assert all(
        decision.choices[decision.chosen] == ids[decision.position] for decision in decisions
    )
    assert all(len(set(decision.choices)) == len(decision.choices) > 1 for decision in decisions)


@every_format
@pytest.mark.parametrize("tokenizer", ["bpe", "spm"])
def test_odd_words_can_be_told_from_marks_as_tokens(
    format: Format, tokenizer: str, pieces: Callable[[str], Any]
) -> None:
    for word, space in product(WORDS, (False, True)):
        grammar = format.grammar(
            Source((word, word), (space, space)), asked(format, ["ORG", "O R"])
        )
        for state in all_states(grammar):
            trie(grammar.moves(state), pieces(tokenizer).encode)


def writable(check: Callable[[list[str]], None], marks: list[str]) -> bool:
    try:
        check(marks)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_a_label_that_the_tokenizer_cannot_write_is_refused(
    format: Format, pieces: Callable[[str], Any]
) -> None:
    pieces("spm").check(format.marks(as_labels(["ORG"])))
    with pytest.raises(ValueError, match=r"cannot write .*組織.*choose other labels"):
        pieces("spm").check(format.marks(as_labels(["組織"])))
    pieces("bpe").check(format.marks(as_labels(["組織"])))


@every_format
@given(data=st.data())
def test_marks_are_all_that_an_answer_holds_besides_the_source(
    format: Format, data: st.DataObject
) -> None:
    labels = asked(format, data.draw(label_sets))
    grammar = format.grammar(data.draw(sources()), labels)
    moves = data.draw(derivations(grammar))
    segments = (
        segment for move in moves if move.kind not in OF_THE_SOURCE for segment in move.segments
    )
    marks = {
        re.sub("^\n+", " ", segment) for segment in segments
    }  # where a space may stand, a line break may
    ends = {move.segments[-1] for move in moves if move.kind == "mention"}
    assert marks | ends <= set(format.marks(labels))


@every_format
@given(data=st.data())
def test_a_legal_answer_that_was_written_freely_is_read(
    format: Format, data: st.DataObject
) -> None:
    source, labels = data.draw(sources()), asked(format, data.draw(label_sets))
    grammar = format.grammar(source, labels)
    moves = data.draw(derivations(grammar))
    text = "".join(move.text for move in moves)
    assert parse(grammar, text) == moves
    assert parse(grammar, text + "x") is None
    entities = [entity for entity, _ in grammar.entities(moves)]
    found, repairs = resolve(format.read(text), grammar.source, labels)
    if not tells_places(format):
        assert (repairs.unread, repairs.inexact, repairs.unknown, repairs.missing) == (0, 0, 0, 0)
    else:
        assert sorted(found) == entities and repairs == Repairs()


@every_format
@given(text=st.text(st.sampled_from(["a", "B", "O", "I", "1", " ", *DELIMITERS])) | st.text())
def test_any_text_is_read(format: Format, text: str) -> None:
    answer = format.read(text)
    if isinstance(answer, Marked):
        assert all(0 <= start <= end <= len(answer.text) for start, end, _ in answer.spans)
    else:
        assert all(isinstance(value, str) for m in answer.mentions for value in (m.text, m.label))
        assert answer.unread >= 0


CROSSING = [Entity(0, 2, "A"), Entity(1, 3, "A")]


@every_format
@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        (CROSSING, "crossing"),
        ([Entity(0, 2, "A")] * 2, "duplicate"),
        ([Entity(0, 1, "C")], "unknown label"),
        ([Entity(2, 4, "A")], "outside the source"),
        ([Entity(-1, 1, "A")], "outside the source"),
        ([Entity(7, 9, "A")], "outside the source"),
        ([Entity(1, 1, "A")], "empty"),
        ([Entity(2, 1, "A")], "empty"),
        ([Entity(start, 5, "A") for start in range(5)], "too deep"),
    ],
)
def test_entities_that_cannot_be_said_are_refused(
    format: Format, entities: list[Entity], reason: str
) -> None:
    size = 5 if reason == "too deep" else 3
    grammar = format.grammar(Source(("x",) * size, (True,) * size), asked(format, ["A", "B"]))
    with pytest.raises(ValueError, match=rf"no derivation for .*Entity\(.*{reason}"):
        grammar.derive(entities)


@every_format
def test_every_refused_entity_is_named(format: Format) -> None:
    grammar = format.grammar(Source(("x",) * 3, (True,) * 3), as_labels(["A"]))
    with pytest.raises(ValueError, match=r"label='C'.*unknown label.*start=5.*outside the source"):
        grammar.derive([Entity(0, 1, "A"), Entity(1, 2, "C"), Entity(5, 6, "A")])


@every_format
def test_a_configuration_makes_the_same_format(format: Any) -> None:
    block = {"@misc": f"spacy_genner.{type(format).__name__}.v1", **asdict(format)}
    resolved = spacy.registry.resolve({"format": block}, validate=True)["format"]
    assert resolved == format and isinstance(resolved, Format)
    assert resolved.instruction().endswith(".") and "\n" not in resolved.instruction()
