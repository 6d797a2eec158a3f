"""Copies of a source with marks around its entities, however the marks are written."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from ..labels.label_set import Labels
from ..types import GAPS, Entity, Move, Source
from .base import Deciding, Refused, expressible, inexpressible_error
from .nested import Nested


@dataclass(frozen=True, slots=True)
class Marks:
    """How entities are marked.

    Attributes:
        opens: The opening marks without the space before them, each with the label that it decides,
            if it does.
        closes: The closing marks of a span whose label is decided, or None while it is not; each
            with the label that it decides. Where a choice is, they are in the order of the labels.
        gap: What stands between an opening mark and the token behind it.
        safe: What stands for a token, so that it cannot be taken for a mark.
    """

    opens: Sequence[tuple[str, str | None]]
    closes: Mapping[str | None, Sequence[tuple[str, str | None]]]
    gap: str
    safe: Callable[[str], str]

    def texts(self) -> list[str]:
        """All marks, the opening ones with and without a space before them.

        Raises:
            ValueError: If one is the beginning of another one, as nobody could tell which of the
                two an answer has.
        """
        opens = [text for text, _ in self.opens]
        closes = list(dict.fromkeys(text for marks in self.closes.values() for text, _ in marks))
        for mark, following in pairwise(sorted(opens + closes)):
            if following.startswith(mark):
                raise ValueError(
                    f"the marks {mark!r} and {following!r} cannot be told apart, as one begins "
                    "with the other: "
                    "choose other marks"
                )
        return opens + [f" {mark}" for mark in opens] + closes


@dataclass(frozen=True, slots=True)
class Open:
    """A span that was opened: its first token and its label, None while that is not decided."""

    start: int
    label: str | None


@dataclass(frozen=True, slots=True)
class InlineState:
    """A place in the copy.

    Attributes:
        position: The number of source tokens copied.
        stack: The open spans, the innermost last.
        closed: The span that was closed last, if that was at this place.
    """

    position: int = 0
    stack: tuple[Open, ...] = ()
    closed: Open | None = None


@dataclass(frozen=True, slots=True)
class Inline(Nested, ABC):
    """A format that marks each entity where it stands in a copy of the source.

    Attributes:
        max_depth: How many spans may be open at one place.
    """

    @abstractmethod
    def marks_of(self, labels: Labels) -> Marks:
        """How the entities of a label set are marked."""

    def marks(self, labels: Labels) -> list[str]:
        """The marks of every label.

        Raises:
            ValueError: If they cannot be told apart.
        """
        return self.marks_of(labels).texts()

    def grammar(self, source: Source, labels: Labels) -> "InlineGrammar":
        """The grammar of the marked copies of a source."""
        return InlineGrammar(source, labels, self.max_depth, self.marks_of(labels))


class InlineGrammar:
    """The marked copies of a source. Several labels of one span are written in the order of the
    label set from the inside out, so that a set of entities has one derivation."""

    pivot: ClassVar[str] = "close"

    def __init__(self, source: Source, labels: Labels, max_depth: int, marks: Marks) -> None:
        self.start = InlineState()
        self.source = replace(source, words=tuple(map(marks.safe, source.words)))
        self._max_depth, self._marks = max_depth, marks
        self._order = {label: index for index, label in enumerate(labels)}
        self._opens = {
            gap: [Move("open", gap + text, label) for text, label in marks.opens] for gap in GAPS
        }
        self._bounds = source.bounds()
        self._closes = {
            label: [Move("close", text, closing) for text, closing in closes]
            for label, closes in marks.closes.items()
        }

    def moves(self, state: InlineState) -> list[Move]:
        """Copy the next token, open a span, close the innermost one: those after which the copy can
        be completed, with every open span closed where its sentence ends."""
        moves, left = list[Move](), self._bound(state) - state.position
        if left:
            gap = self._gap(state)
            moves.append(Move("copy", gap + self.source.words[state.position]))
            moves += self._opens[gap] if len(state.stack) < self._max_depth else []
        moves += self._closable(state)
        if (
            len(state.stack) < left
        ):  # each open span, and one more, may still close behind a token of its own
            return moves
        return [move for move in moves if self._completes(self.advance(state, move))]

    def advance(self, state: InlineState, move: Move) -> InlineState:
        """The state after a legal move."""
        if move.kind == "copy":
            return InlineState(state.position + 1, state.stack)
        if move.kind == "open":
            return InlineState(state.position, (*state.stack, Open(state.position, move.label)))
        top = state.stack[-1]
        return InlineState(
            state.position, state.stack[:-1], Open(top.start, top.label or move.label)
        )

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """The properly nested ones of known labels, and the others with the reason."""
        return expressible(entities, self._order, self.source, self._max_depth)

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The canonical derivation of properly nested entities.

        Raises:
            ValueError: If they cannot be said: crossing, duplicate, too deep, unknown label,
                outside the source.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        pending = sorted(kept, key=lambda e: (-e.start, e.end, self._order[e.label]))
        opened = list[Entity]()
        moves, state = list[Move](), self.start
        while pending or opened or state.position < len(self.source):
            if opened and opened[-1].end == state.position:
                kind, label = "close", opened.pop().label
            elif pending and pending[-1].start == state.position:
                opened.append(pending.pop())
                kind, label = "open", opened[-1].label
            else:
                kind, label = "copy", None
            legal = (
                move
                for move in self.moves(state)
                if move.kind == kind and move.label in (None, label)
            )
            moves.append(next(legal))
            state = self.advance(state, moves[-1])
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """The marked spans, each with its opening, its closing, and the moves in between where it
        could have been closed but was not."""
        found, state = list[tuple[Entity, Deciding]](), self.start
        deciding = list[Deciding]()  # of the open spans
        for index, move in enumerate(moves):
            if move.kind != "close" and self._closable(state):
                deciding[-1].absent.append(index)
            if move.kind == "open":
                deciding.append(Deciding([index], []))
            state = self.advance(state, move)
            if move.kind == "close" and state.closed:
                deciding[-1].taken.append(index)
                entity = Entity(state.closed.start, state.position, state.closed.label or "")
                found.append((entity, deciding.pop()))
        return sorted(found)

    def _bound(self, state: InlineState) -> int:
        """Where all open spans must be closed, and one that is opened now; with none, the next
        place of that kind."""
        return self._bounds[state.stack[0].start if state.stack else state.position]

    def _gap(self, state: InlineState) -> str:
        """What stands before the next token or opening mark. The gap of a token moves in front of
        the marks that open there."""
        return self._marks.gap if _just_opened(state) else GAPS[self.source.spaces[state.position]]

    def _closable(self, state: InlineState) -> list[Move]:
        """The closing moves that keep to the canonical order."""
        if not state.stack or _just_opened(state):
            return []
        top, inner = state.stack[-1], state.closed
        closes = self._closes[top.label]
        if inner is None or inner.start != top.start or inner.label is None:
            return closes
        if top.label is None:
            return closes[self._order[inner.label] + 1 :]
        return closes if self._order[top.label] > self._order[inner.label] else []

    def _completes(self, state: InlineState) -> bool:
        """Whether every open span can still be closed: closing as early as possible, with the first
        label that may be written, leaves the most to the others."""
        while state.stack:
            if closable := self._closable(state):
                state = self.advance(state, closable[0])
            elif state.position < self._bound(state):
                state = InlineState(state.position + 1, state.stack)
            else:
                return False
        return True


def _just_opened(state: InlineState) -> bool:
    """Whether the innermost span has no token yet."""
    return bool(state.stack) and state.stack[-1].start == state.position
