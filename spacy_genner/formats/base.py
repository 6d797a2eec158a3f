"""The Protocol of an output format: a grammar over the source tokens instead of a parser of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from ..labels import Labels
from ..types import Entity, Move, Source


class Grammar(Protocol):
    """The legal outputs for one source and one label set: an automaton with immutable, hashable states.

    From every state that `advance` reaches, a final one is reachable.
    """

    @property
    def start(self) -> Any:
        """The state before anything is written."""

    def moves(self, state: Any) -> list[Move]:
        """The legal moves in their fixed order; empty in the final states only."""

    def advance(self, state: Any, move: Move) -> Any:
        """The state after a legal move."""

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The one canonical derivation of properly nested entities, complete.

        Raises: ValueError if the format cannot say them (crossing, duplicate, too deep, unknown label, out of range).
        """

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, list[int]]]:
        """The entities of a complete derivation in the order of `Entity`, each with the indices of the moves
        that decided it."""


@runtime_checkable
class Format(Protocol):
    """An output format: how an answer is written."""

    max_depth: int

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""

    def marks(self, labels: Labels) -> list[str]:
        """Every text besides the source that an answer may contain: a tokenizer must be able to write each."""

    def grammar(self, source: Source, labels: Labels) -> Grammar:
        """The grammar of the answers for a source."""
