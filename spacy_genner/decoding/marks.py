"""What a derivation marks between its copies, apart from how that is spelled: what a draft head can learn."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeAlias

from ..formats.base import Grammar
from ..types import Move
from .moves import Encode, Walk

Mark: TypeAlias = tuple[str, str | None]
"""Kind and label of a move that is no copy."""

Marks: TypeAlias = list[tuple[Mark, ...]]
"""The marks before each token of a source, and after the last one."""


def marks_of(moves: Iterable[Move]) -> Marks:
    """The marks of a complete derivation."""
    marks: list[list[Mark]] = [[]]
    for move in moves:
        if move.kind == "copy":
            marks.append([])
        else:
            marks[-1].append((move.kind, move.label))
    return [tuple(gap) for gap in marks]


def policy_of(marks: Marks, grammar: Grammar, encode: Encode) -> dict[Hashable, int]:
    """The id to expect at each place that a derivation with these marks passes. Marks that are not legal are left out,
    and what is open at the end is closed by the first legal move."""
    ids = [id for move in _derive(marks, grammar) for id in encode(move.text)]
    walk, policy = Walk(grammar, encode), dict[Hashable, int]()
    while walk.choices:
        policy[walk.key] = ids[len(walk.ids)]
        walk.choose(walk.choices.index(ids[len(walk.ids)]))
    return policy


def _derive(marks: Marks, grammar: Grammar) -> list[Move]:
    state, moves = grammar.start, list[Move]()
    for gap in marks:
        for wanted in (*gap, ("copy", None)):
            if move := next((m for m in grammar.moves(state) if (m.kind, m.label) == wanted), None):
                moves.append(move)
                state = grammar.advance(state, move)
    while legal := grammar.moves(state):
        moves.append(legal[0])
        state = grammar.advance(state, legal[0])
    return moves
