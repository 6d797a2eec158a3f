"""Moves as token ids: tries over the legal moves of a state, and the walk through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..formats.base import Grammar
from ..types import Move, Step

Encode: TypeAlias = Callable[[str], Sequence[int]]
"""Segment of text → token ids."""

Node: TypeAlias = "dict[int, Node | Move]"
"""A node of a trie: next id → the rest, or the move that the id completes, in the order of the moves."""


def trie(moves: Iterable[Move], encode: Encode) -> Node:
    """The id sequences of moves as a trie.

    Raises: ValueError if a move writes nothing or the same as another one, or the beginning of it.
    """
    root: Node = {}
    for move in moves:
        ids = encode(move.text)
        node: Any = root
        for i in ids[:-1]:
            node = node.setdefault(i, {}) if isinstance(node, dict) else None
        if not ids or not isinstance(node, dict) or ids[-1] in node:
            raise ValueError(f"{move} cannot be told from the other moves with this tokenizer: rename the label")
        node[ids[-1]] = move
    return root


class Walk:
    """A derivation under way, id by id. Where only one id is legal, it is taken without being asked for.

    ids: The ids written so far.
    steps: The moves completed so far.
    choices: The legal next ids, at least two; empty when the derivation is complete.
    """

    def __init__(self, grammar: Grammar, encode: Encode) -> None:
        self.ids: list[int] = []
        self.steps: list[Step] = []
        self.choices: list[int] = []
        self._grammar = grammar
        self._encode = encode
        self._begin_move(grammar.start)
        self._run()

    def choose(self, index: int, logprob: float) -> None:
        """Take `choices[index]`, which has this log-probability, and every forced id after it."""
        self._logprob += logprob
        self._asked = True
        self._take(self.choices[index])
        self._run()

    def _begin_move(self, state: Any) -> None:
        self._state = state
        self._node: Node = trie(self._grammar.moves(state), self._encode)
        self._logprob = 0.0
        self._asked = False

    def _take(self, id: int) -> None:
        self.ids.append(id)
        child = self._node[id]
        if isinstance(child, Move):
            self.steps.append(Step(child, self._logprob, not self._asked))
            self._begin_move(self._grammar.advance(self._state, child))
        else:
            self._node = child

    def _run(self) -> None:
        while len(self._node) == 1:
            self._take(next(iter(self._node)))
        self.choices = list(self._node)


@dataclass(frozen=True, slots=True)
class Decision:
    """A branching node that a known derivation passes.

    position: The number of ids written before it.
    choices: The legal next ids.
    chosen: The index of the one that the derivation takes.
    """

    position: int
    choices: list[int]
    chosen: int


def spell(grammar: Grammar, moves: Sequence[Move], encode: Encode) -> tuple[list[int], list[Decision]]:
    """The ids of a complete derivation, and the decisions that it takes on its way."""
    ids = [id for move in moves for id in encode(move.text)]
    walk, decisions = Walk(grammar, encode), list[Decision]()
    while walk.choices:
        position = len(walk.ids)
        chosen = walk.choices.index(ids[position])
        decisions.append(Decision(position, walk.choices, chosen))
        walk.choose(chosen, 0.0)
    return ids, decisions
