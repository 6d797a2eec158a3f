"""The Protocol of an output format: a grammar over the source tokens instead of a parser of
text."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from ..answers import Listed, Marked
from ..labels.label_set import Labels
from ..nesting import nest, within_sentences
from ..types import Entity, Move, Source
from .mentions import Mentions

Refused: TypeAlias = tuple[Entity, str]
"""An entity that a format cannot say, and why."""


class Deciding(NamedTuple):
    """The moves of a derivation that decided an entity, by their indices.

    Attributes:
        taken: Those without which it would not be there: they count with their own probability.
        absent: Those that decided it only by not being of the grammar's pivotal kind: a span that
            another one is opened in goes on because it is not closed, whatever else is written.
    """

    taken: list[int]
    absent: list[int]


class Grammar(Protocol):
    """The legal outputs for one source and one label set: an automaton with immutable, hashable
    states.

    From every state that `advance` reaches, a final one is reachable.
    """

    @property
    def source(self) -> Source:
        """The source as the model is to read it: what an answer copies, in which nothing can be
        taken for a mark."""

    @property
    def pivot(self) -> str | None:
        """The kind of move whose absence may decide an entity, if there is one."""

    @property
    def start(self) -> Any:
        """The state before anything is written."""

    def moves(self, state: Any) -> Iterable[Move]:
        """The legal moves in their fixed order, a list or `Mentions`; empty in the final states
        only."""

    def advance(self, state: Any, move: Move) -> Any:
        """The state after a legal move."""

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """The entities that the format can say, and the others with the reason: across sentences,
        crossing, duplicate, empty, too deep, unknown label, outside the source. A format that
        cannot tell where of several places a text is meant says another one instead, refused as "at
        another place of the same text"."""

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The one canonical derivation of entities, complete.

        Raises:
            ValueError: If the format cannot say one.
        """

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """The entities of a complete derivation in the order of `Entity`, each with the moves that
        decided it."""


@runtime_checkable
class Format(Protocol):
    """An output format: how an answer is written."""

    @property
    def max_depth(self) -> int:
        """How many spans may lie around one another, the innermost counted."""

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""

    def marks(self, labels: Labels) -> list[str]:
        """Every text besides the source that an answer may contain: a tokenizer must be able to
        write each. Where one may follow a space, it may follow a line break as well."""

    def grammar(self, source: Source, labels: Labels) -> Grammar:
        """The grammar of the answers for a source."""

    def read(self, text: str) -> Marked | Listed:
        """What an answer says that was written freely, however broken it is."""


def expressible(
    entities: Iterable[Entity], labels: Container[str], source: Source, max_depth: int
) -> tuple[list[Entity], list[Refused]]:
    """The properly nested ones of known labels in a source, each within a sentence, and the others
    with the reason."""
    whole, across = within_sentences(entities, source)
    kept, refused = nest(whole, max_depth)
    strange = [(e, "unknown label") for e in kept if e.label not in labels]
    strange += [(e, "outside the source") for e in kept if not 0 <= e.start < e.end <= len(source)]
    left_out = {entity for entity, _ in strange}
    return [entity for entity in kept if entity not in left_out], across + refused + strange


def inexpressible_error(refused: Iterable[Refused]) -> ValueError:
    """The error that names entities that a format cannot say."""
    return ValueError(
        "no derivation for " + "; ".join(f"{entity} ({reason})" for entity, reason in refused)
    )


def parse(grammar: Grammar, text: str) -> list[Move] | None:
    """The derivation that writes a text; None if it is no legal answer."""
    state, moves, position = grammar.start, list[Move](), 0
    while legal := grammar.moves(state):
        if isinstance(legal, Mentions):
            move = legal.starting(text, position)
        else:
            move = next((move for move in legal if text.startswith(move.text, position)), None)
        if move is None:
            return None
        position += len(move.text)
        moves.append(move)
        state = grammar.advance(state, move)
    return moves if position == len(text) else None
