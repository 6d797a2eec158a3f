"""The protocols of an output format and its grammar.

A grammar says which answers are legal for a source. It works on the tokens of the source, so that
every legal answer stands for exact spans of tokens, and no text has to be parsed or searched for.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from ..answers import Listed, Marked
from ..labels.label_set import Labels
from ..nesting import nest, within_sentences
from ..types import Entity, Move, Source
from .mentions import Mentions

Refused: TypeAlias = tuple[Entity, str]
"""An entity that a format cannot express, and the reason."""


class Deciding(NamedTuple):
    """The moves of a derivation that decided an entity, as indices.

    Attributes:
        taken: The moves without which the entity would not exist. Each counts with its own
            probability.
        absent: The moves that decided it only by not being of the grammar's pivotal kind. When a
            span opens inside an open one, for example, it only matters to the outer span that it
            was not closed there, not what was written instead.
    """

    taken: list[int]
    absent: list[int]


class Grammar(Protocol):
    """The legal outputs for one source and one label set, as an automaton with immutable, hashable
    states.

    A final state can be reached from every state that `advance` returns.
    """

    @property
    def source(self) -> Source:
        """The source as the model reads it and an answer copies it; nothing in it can be mistaken
        for a mark."""

    @property
    def pivot(self) -> str | None:
        """The kind of move whose absence may decide an entity, or None if there is no such kind."""

    @property
    def start(self) -> Any:
        """The state before anything is written."""

    def moves(self, state: Any) -> Iterable[Move]:
        """Return the legal moves of a state in their fixed order, as a list or as `Mentions`; empty
        only in a final state.

        No legal move of a state may write a prefix of another one's text once both are tokenised:
        no trie could tell such moves apart.
        """

    def advance(self, state: Any, move: Move) -> Any:
        """Return the state after a legal move."""

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """Split entities into those that the format can express, and the others with the reason:
        across sentences, crossing, duplicate, empty, too deep, unknown label, outside the source.

        A format that cannot tell apart several places of the same text may express another entity
        in place of the given one, which is then refused as "at another place of the same text".
        """

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """Return the complete canonical derivation of entities.

        Raises:
            ValueError: If the format cannot express one of them.
        """

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """Return the entities of a complete derivation, in the order of `Entity`, each with the
        moves that decided it."""


@runtime_checkable
class Format(Protocol):
    """An output format: how an answer is written."""

    @property
    def max_depth(self) -> int:
        """The greatest depth of nesting: 1 allows flat entities only."""

    @property
    def names_labels(self) -> bool:
        """Whether an answer says which label each entity has. If not, the model is asked for one
        label at a time."""

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""

    def marks(self, labels: Labels) -> list[str]:
        """Return every text besides the source that an answer may contain. A tokenizer must be able
        to write each of them. A mark that may follow a space may also follow a line break."""

    def grammar(self, source: Source, labels: Labels) -> Grammar:
        """Return the grammar of the answers for a source.

        Raises:
            ValueError: If there are several labels, and an answer does not name them.
        """

    def read(self, text: str) -> Marked | Listed:
        """Read an answer that a model wrote without constraints.

        However broken the answer is, it raises no error: an incomplete mark stays in the text of a
        `Marked`, and whatever is not a mention is counted in `Listed.unread`.
        """


def expressible(
    entities: Iterable[Entity], labels: Container[str], source: Source, max_depth: int
) -> tuple[list[Entity], list[Refused]]:
    """Split entities into a properly nested subset with known labels, each within one sentence of
    the source, and the others with the reason."""
    whole, across = within_sentences(entities, source)
    kept, refused = nest(whole, max_depth)
    strange = [(e, "unknown label") for e in kept if e.label not in labels]
    strange += [(e, "outside the source") for e in kept if not 0 <= e.start < e.end <= len(source)]
    left_out = {entity for entity, _ in strange}
    return [entity for entity in kept if entity not in left_out], across + refused + strange


def inexpressible_error(refused: Iterable[Refused]) -> ValueError:
    """Return the error that names entities that a format cannot express."""
    reasons = "; ".join(f"{entity} ({reason})" for entity, reason in refused)
    return ValueError(
        f"there is no derivation for {reasons}: give only entities that `expressible` keeps"
    )


def parse(grammar: Grammar, text: str) -> list[Move] | None:
    """Return the derivation that writes a text, or None if the text is not a legal answer."""
    moves, position, following = legal_prefix(grammar, text)
    return moves if position == len(text) and not following else None


def legal_prefix(grammar: Grammar, text: str) -> tuple[list[Move], int, Iterable[Move]]:
    """Return the moves that write a text, as far as it is a legal answer.

    Returns:
        The moves, the number of characters that they write, and the moves that are legal after
        them.
    """
    state = grammar.start
    moves: list[Move] = []
    position = 0
    while legal := grammar.moves(state):
        if isinstance(legal, Mentions):
            move = legal.starting(text, position)
        else:
            move = next((move for move in legal if text.startswith(move.text, position)), None)
        if move is None:
            return moves, position, legal
        position += len(move.text)
        moves.append(move)
        state = grammar.advance(state, move)
    return moves, position, ()
