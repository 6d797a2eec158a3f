"""Moves as token ids: tries over the legal moves of a state, and the walk through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..formats.base import Grammar
from ..formats.mentions import Mentions
from ..types import Move, Step, Trace
from .marks import Mark, Plan
from .mention_trie import mention_trie

Encode: TypeAlias = Callable[[str], Sequence[int]]
"""Segment of text → token ids."""

Node: TypeAlias = "Mapping[int, Node | Move]"
"""A node of a trie: next id → the rest, or the move that the id completes, in the order of the
moves."""


def trie(moves: Iterable[Move], encode: Encode) -> Node:
    """The id sequences of moves as a trie.

    Raises:
        ValueError: If a move writes nothing or the same as another one, or the beginning of it.
    """
    if isinstance(moves, Mentions):
        return mention_trie(moves, encode)
    root: Node = {}
    for move in moves:
        ids = ids_of(move, encode)
        node: Any = root
        for i in ids[:-1]:
            node = node.setdefault(i, {}) if isinstance(node, dict) else None
        if not ids or not isinstance(node, dict) or ids[-1] in node:
            raise ValueError(
                f"{move} cannot be told from the other moves with this tokenizer: rename the label"
            )
        node[ids[-1]] = move
    return root


def ids_of(move: Move, encode: Encode) -> list[int]:
    """How a move is spelled."""
    return [id for segment in move.segments for id in encode(segment)]


@dataclass(frozen=True, slots=True)
class Decision:
    """A branching node that a derivation passes.

    Attributes:
        position: The number of ids written before it.
        choices: The legal next ids.
        chosen: The index of the one that the derivation takes.
        copies: Whether it marks nothing, which only `spell` knows: a walk decides before it
            completes the move.
    """

    position: int
    choices: list[int]
    chosen: int
    copies: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk stands within a derivation.

    Attributes:
        state, node: Of the grammar, and of the trie of its moves.
        moves, ids: How many were complete when the present move began.
        copied: How many moves before that were copies.
        depth: How many spans were open at the last copy.
        marks: The moves after it.
    """

    state: Any
    node: Node
    moves: int = 0
    ids: int = 0
    copied: int = 0
    depth: int = 0
    marks: tuple[Move, ...] = ()


class Walk:
    """A derivation under way, id by id. Where only one id is legal, it is taken without being asked
    for.

    Args:
        limit: How many ids the model can read of it.

    Attributes:
        ids: The ids written so far.
        moves: The moves completed so far.
        decisions: The branching nodes passed so far.
        choices: The legal next ids, at least two; empty when the derivation is complete.
    """

    def __init__(self, grammar: Grammar, encode: Encode, limit: float = math.inf) -> None:
        self.ids: list[int] = []
        self.moves: list[Move] = []
        self.decisions: list[Decision] = []
        self.limit = limit
        self._grammar = grammar
        self._encode = encode
        self._passed: list[_Place] = []  # where the decisions were
        self._place = _Place(grammar.start, self._trie(grammar.start))
        self._run()

    @property
    def outgrown(self) -> bool:
        """Whether the last decision comes after more ids than the model can read, also one that is
        not yet made."""
        last = (
            [len(self.ids)]
            if self.choices
            else [decision.position for decision in self.decisions[-1:]]
        )
        return any(position > self.limit for position in last)

    @property
    def key(self) -> Hashable:
        """The place of the next choice, whatever was marked before: the number of copies, the moves
        since the last one, the ids written inside the present move, and the choices, which tell
        whether a span is open."""
        place = self._place
        return place.copied, place.marks, tuple(self.ids[place.ids :]), tuple(self.choices)

    def expected(self, plan: Plan) -> int:
        """The index of the choice that leads to what a plan expects most; 0 if no choice leads to
        anything in it."""
        place, ways = self._place, list(self._place.node.values())
        written = tuple((move.kind, move.label) for move in place.marks)
        for mark in plan.expected(place.copied, place.depth, written):
            for index, child in enumerate(ways):
                if _leads_to(child, mark):
                    return index
        return 0

    @property
    def copies(self) -> list[bool]:
        """Of a complete derivation, whether each decision is part of a move that marks nothing."""
        return [self.moves[place.moves].kind in ("copy", "outside") for place in self._passed]

    def choose(self, index: int) -> None:
        """Take `choices[index]`, and every forced id after it."""
        self.decisions.append(Decision(len(self.ids), self.choices, index))
        self._passed.append(self._place)
        self._take(self.choices[index])
        self._run()

    def rewind(self, count: int) -> None:
        """Go back to before the decision with this index."""
        self._place = self._passed[count]
        del self.ids[self.decisions[count].position :], self.moves[self._place.moves :]
        del self.decisions[count:], self._passed[count:]
        self.choices = list(self._place.node)

    def trace(self, log_probs: Iterable[Sequence[float]]) -> Trace:
        """The complete derivation.

        Args:
            log_probs: Those of the choices at each decision; what stands behind them is not read.
        """
        asked = dict[int, float]()  # the log-probability of each move that was not forced
        pivotal = dict[int, float]()  # the probability of a pivotal move in its place
        for place, decision, row in zip(self._passed, self.decisions, log_probs, strict=True):
            before = asked.get(place.moves, 0.0)
            mass = math.exp(before) * _mass(place.node, row, self._grammar.pivot)
            pivotal[place.moves] = pivotal.get(place.moves, 0.0) + mass
            asked[place.moves] = before + float(row[decision.chosen])
        return tuple(
            Step(move, asked[i], False, _absence(asked[i], pivotal[i]))
            if i in asked
            else Step(move, 0.0, True)
            for i, move in enumerate(self.moves)
        )

    def _trie(self, state: Any) -> Node:
        return trie(self._grammar.moves(state), self._encode)

    def _take(self, id: int) -> None:
        self.ids.append(id)
        place = self._place
        child = place.node[id]
        if isinstance(child, Move):
            self.moves.append(child)
            state = self._grammar.advance(place.state, child)
            copied, depth, marks = place.copied, place.depth, (*place.marks, child)
            if child.kind == "copy":
                depth += sum((mark.kind == "open") - (mark.kind == "close") for mark in marks)
                copied, marks = copied + 1, ()
            self._place = _Place(
                state, self._trie(state), len(self.moves), len(self.ids), copied, depth, marks
            )
        else:
            self._place = replace(place, node=child)

    def _run(self) -> None:
        while len(self._place.node) == 1:
            self._take(next(iter(self._place.node)))
        self.choices = list(self._place.node)


def _mass(node: Node, log_probs: Sequence[float], kind: str | None) -> float:
    """The probability of the children that lead to moves of a kind only."""
    if kind is None:
        return 0.0
    children = zip(node.values(), log_probs, strict=False)
    return sum(math.exp(log_prob) for child, log_prob in children if _leads_only_to(child, kind))


def _absence(logprob: float, pivotal: float) -> float:
    """The log-probability of no pivotal move, which is at least that of the move that was made
    instead."""
    return max(math.log(1 - pivotal), logprob) if pivotal < 1 else logprob


def _leads_only_to(child: Node | Move, kind: str) -> bool:
    if isinstance(child, Move):
        return child.kind == kind
    return all(_leads_only_to(grandchild, kind) for grandchild in child.values())


def _leads_to(child: Node | Move, wanted: Mark) -> bool:
    if isinstance(child, Move):
        return (child.kind, child.label) == wanted
    return any(_leads_to(grandchild, wanted) for grandchild in child.values())


def follow(
    grammar: Grammar, moves: Sequence[Move], encode: Encode, limit: float = math.inf
) -> Walk:
    """The walk through a complete derivation."""
    ids = [id for move in moves for id in ids_of(move, encode)]
    walk = Walk(grammar, encode, limit)
    while walk.choices:
        walk.choose(walk.choices.index(ids[len(walk.ids)]))
    return walk


def spell(
    grammar: Grammar, moves: Sequence[Move], encode: Encode
) -> tuple[list[int], list[Decision]]:
    """The ids of a complete derivation, and the decisions that it takes on its way."""
    walk = follow(grammar, moves, encode)
    return walk.ids, [
        replace(d, copies=copies) for d, copies in zip(walk.decisions, walk.copies, strict=True)
    ]
