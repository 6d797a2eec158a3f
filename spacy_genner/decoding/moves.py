"""Moves as token ids: tries over the legal moves of a state, and walks through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..formats.base import Grammar
from ..formats.mentions import Mentions
from ..types import Move, Step, Trace
from .marks import DEPTH_CHANGE, Mark, Plan
from .mention_trie import mention_trie

Encode: TypeAlias = Callable[[str], Sequence[int]]
"""Returns the token ids of a segment of text."""

Node: TypeAlias = "Mapping[int, Node | Move]"
"""A node of a trie: next token id → the rest, or the move that the token id completes, in the order
of the moves."""

_REMEDY = "choose other labels, another format or another tokenizer"


def trie(moves: Iterable[Move], encode: Encode) -> Node:
    """Return the token ids of moves as a trie.

    Raises:
        ValueError: If a move has no token ids.
        ValueError: If the token ids of one move equal those of another, or begin with them.
    """
    if isinstance(moves, Mentions):
        return mention_trie(moves, encode)
    root: Node = {}
    for move in moves:
        ids = ids_of(move, encode)
        if not ids:
            raise ValueError(f"this tokenizer writes no token id for {move.text!r}: {_REMEDY}")
        node: Any = root
        for id in ids[:-1]:
            if isinstance(node, Move):
                break
            node = node.setdefault(id, {})
        if isinstance(node, Move) or ids[-1] in node:
            other = _first_along(root, ids)
            raise ValueError(
                f"{move.text!r} and {other.text!r} cannot be told apart with this tokenizer, as "
                f"the token ids of one begin with those of the other: {_REMEDY}"
            )
        node[ids[-1]] = move
    return root


def _first_along(node: Node | Move, ids: Sequence[int]) -> Move:
    """Return the first move in a trie whose token ids are a prefix of the given ones, or begin with
    them."""
    for id in ids:
        if not isinstance(node, Move):
            node = node[id]
    while not isinstance(node, Move):
        node = next(iter(node.values()))
    return node


def ids_of(move: Move, encode: Encode) -> list[int]:
    """Return the token ids of a move."""
    ids: list[int] = []
    for segment in move.segments:
        ids += encode(segment)
    return ids


@dataclass(frozen=True, slots=True)
class Decision:
    """A branching node on the way of a derivation.

    Attributes:
        position: The number of token ids written before it.
        choices: The legal next token ids.
        chosen: The index of the choice that the derivation takes.
        copies: Whether it belongs to a move that marks nothing. Only `spell` sets it, because a
            walk makes a decision before it knows which move follows from it.
    """

    position: int
    choices: list[int]
    chosen: int
    copies: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """A place within a derivation.

    Attributes:
        state: The state of the grammar.
        node: The node in the trie of the state's moves.
        moves: The number of moves completed before the present one.
        ids: The number of token ids written before the present move.
        copied: How many of the completed moves copied a token.
        depth: The number of open spans at the last copy.
        marks: The moves completed since the last copy.
    """

    state: Any
    node: Node
    moves: int = 0
    ids: int = 0
    copied: int = 0
    depth: int = 0
    marks: tuple[Move, ...] = ()


class Walk:
    """A derivation that is written one token id after another. Where only one token id is legal, it
    is taken without asking.

    Args:
        grammar: The legal derivations.
        encode: How their texts are tokenised.
        limit: How many token ids of the derivation the model can read at most.

    Attributes:
        ids: The token ids written so far.
        moves: The moves completed so far.
        decisions: The branching nodes on the way so far.
        choices: The legal next token ids, at least two; empty when the derivation is complete.
    """

    def __init__(self, grammar: Grammar, encode: Encode, limit: float = math.inf) -> None:
        self.ids: list[int] = []
        self.moves: list[Move] = []
        self.decisions: list[Decision] = []
        self.limit = limit
        self._grammar = grammar
        self._encode = encode
        self._passed: list[_Place] = []  # the places of the decisions
        self._place = _Place(grammar.start, self._trie(grammar.start))
        self._run()

    @property
    def outgrown(self) -> bool:
        """Whether the last decision, made or yet to be made, comes after more token ids than the
        model can read."""
        if self.choices:
            return len(self.ids) > self.limit
        return bool(self.decisions) and self.decisions[-1].position > self.limit

    @property
    def key(self) -> Hashable:
        """The identity of the next choice, whatever was marked before: the number of copies, the
        moves since the last one, the token ids written of the present move, and the choices, which
        tell whether a span is open."""
        place = self._place
        return place.copied, place.marks, tuple(self.ids[place.ids :]), tuple(self.choices)

    def expected(self, plan: Plan) -> int:
        """Return the index of the choice that leads to what a plan expects most; 0 if no choice
        leads to anything in the plan."""
        place = self._place
        children = list(place.node.values())
        written = tuple((move.kind, move.label) for move in place.marks)
        for mark in plan.expected(place.copied, place.depth, written):
            for index, child in enumerate(children):
                if _leads_to(child, mark):
                    return index
        return 0

    @property
    def copies(self) -> list[bool]:
        """For each decision of a complete derivation, whether it belongs to a move that marks
        nothing."""
        return [self.moves[place.moves].kind in ("copy", "outside") for place in self._passed]

    def choose(self, index: int) -> None:
        """Take a choice, given its index, and every forced token id after it."""
        self.decisions.append(Decision(len(self.ids), self.choices, index))
        self._passed.append(self._place)
        self._take(self.choices[index])
        self._run()

    def rewind(self, count: int) -> None:
        """Go back to where this many decisions were made."""
        self._place = self._passed[count]
        del self.ids[self.decisions[count].position :]
        del self.moves[self._place.moves :]
        del self.decisions[count:]
        del self._passed[count:]
        self.choices = list(self._place.node)

    def trace(self, log_probs: Iterable[Sequence[float]]) -> Trace:
        """Return the complete derivation with the probabilities of its moves.

        Args:
            log_probs: For each decision, the log-probabilities of its choices; any padding after
                them is ignored.
        """
        asked: dict[int, float] = {}  # the log-probability of each move that was not forced
        pivotal: dict[int, float] = {}  # the probability of a pivotal move in its place
        for place, decision, row in zip(self._passed, self.decisions, log_probs, strict=True):
            before = asked.get(place.moves, 0.0)
            mass = math.exp(before) * _mass(place.node, row, self._grammar.pivot)
            pivotal[place.moves] = pivotal.get(place.moves, 0.0) + mass
            asked[place.moves] = before + float(row[decision.chosen])
        steps: list[Step] = []
        for i, move in enumerate(self.moves):
            if i in asked:
                steps.append(Step(move, asked[i], False, _absence(asked[i], pivotal[i])))
            else:
                steps.append(Step(move, 0.0, True))
        return tuple(steps)

    def _trie(self, state: Any) -> Node:
        return trie(self._grammar.moves(state), self._encode)

    def _take(self, id: int) -> None:
        """Write one token id, and go to the next state if it completes a move."""
        self.ids.append(id)
        place = self._place
        child = place.node[id]
        if not isinstance(child, Move):
            self._place = replace(place, node=child)
            return
        self.moves.append(child)
        state = self._grammar.advance(place.state, child)
        copied, depth = place.copied, place.depth
        marks = (*place.marks, child)
        if child.kind == "copy":
            copied += 1
            depth += sum(DEPTH_CHANGE.get(mark.kind, 0) for mark in marks)
            marks = ()
        self._place = _Place(
            state, self._trie(state), len(self.moves), len(self.ids), copied, depth, marks
        )

    def _run(self) -> None:
        """Write all token ids that are forced."""
        while len(self._place.node) == 1:
            self._take(next(iter(self._place.node)))
        self.choices = list(self._place.node)


def _mass(node: Node, log_probs: Sequence[float], kind: str | None) -> float:
    """Return the probability of the children that lead only to moves of a kind."""
    if kind is None:
        return 0.0
    children = zip(node.values(), log_probs, strict=False)
    return sum(math.exp(log_prob) for child, log_prob in children if _leads_only_to(child, kind))


def _absence(logprob: float, pivotal: float) -> float:
    """Return the log-probability that no pivotal move is made. Rounding must not put it below that
    of the move that was made instead."""
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
    """Return the walk through a derivation.

    The derivation must be legal and complete; this is not checked.
    """
    ids: list[int] = []
    for move in moves:
        ids += ids_of(move, encode)
    walk = Walk(grammar, encode, limit)
    while walk.choices:
        walk.choose(walk.choices.index(ids[len(walk.ids)]))
    return walk


def spell(
    grammar: Grammar, moves: Sequence[Move], encode: Encode
) -> tuple[list[int], list[Decision]]:
    """Return the token ids of a derivation, and the decisions on its way.

    The derivation must be legal and complete; this is not checked.
    """
    walk = follow(grammar, moves, encode)
    decisions = zip(walk.decisions, walk.copies, strict=True)
    return walk.ids, [replace(decision, copies=copies) for decision, copies in decisions]
