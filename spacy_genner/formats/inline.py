"""Copies of a source with marks around its entities, whatever the marks look like.

GENRE (arXiv 2010.00904) constrains marked copies in the same way: at each place, the next token is
copied, a span is opened, or a span is closed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import ClassVar

from ..labels.label_set import Labels
from ..types import GAPS, Entity, Move, Source
from .base import Deciding, Refused, expressible, inexpressible_error
from .nested import Nested


@dataclass(frozen=True, slots=True)
class Marks:
    """How entities are marked.

    Attributes:
        opens: The opening marks without the space before them, each with the label that it decides;
            None if the closing mark decides it.
        closes: The closing marks, by the label of the span; None while it is undecided. Each comes
            with the label that it decides, if any. If there are several, they are in the order of
            the labels.
        gap: The text between an opening mark and the token after it.
        safe: Replaces a token by a text that cannot be mistaken for a mark.
    """

    opens: Sequence[tuple[str, str | None]]
    closes: Mapping[str | None, Sequence[tuple[str, str | None]]]
    gap: str
    safe: Callable[[str], str]

    def texts(self) -> list[str]:
        """Return all marks, the opening ones with and without a space before them.

        Raises:
            ValueError: If a mark is the beginning of another one, because an answer with the longer
                one would then contain both.
        """
        opens = [text for text, _ in self.opens]
        closes = [text for text, _ in chain.from_iterable(self.closes.values())]
        marks = [*chain.from_iterable((mark, f" {mark}") for mark in opens), *dict.fromkeys(closes)]
        # In alphabetical order, what begins with a mark comes right after it.
        for mark, following in pairwise(sorted(marks)):
            if following.startswith(mark):
                raise ValueError(
                    f"the marks {mark!r} and {following!r} cannot be told apart, as the second "
                    "begins with the first: choose other marks for the format, or other labels"
                )
        return marks


@dataclass(frozen=True, slots=True)
class Open:
    """A span that was opened.

    Attributes:
        start: Its first token.
        label: Its label, or None while that is undecided.
    """

    start: int
    label: str | None


@dataclass(frozen=True, slots=True)
class InlineState:
    """A place in the copy.

    Attributes:
        position: The number of source tokens copied.
        stack: The open spans, the innermost last.
        closed: The span that was closed last, if no token was copied and no span was opened since.
    """

    position: int = 0
    stack: tuple[Open, ...] = ()
    closed: Open | None = None


@dataclass(frozen=True, slots=True)
class Inline(Nested, ABC):
    """A format that marks each entity at its place in a copy of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    @abstractmethod
    def marks_of(self, labels: Labels) -> Marks:
        """Return how the entities of a label set are marked."""

    def marks(self, labels: Labels) -> list[str]:
        """Return the marks of all labels.

        Raises:
            ValueError: If two marks cannot be told apart.
        """
        return self.marks_of(labels).texts()

    def grammar(self, source: Source, labels: Labels) -> "InlineGrammar":
        """Return the grammar of the marked copies of a source."""
        return InlineGrammar(source, labels, self.max_depth, self.marks_of(labels))


class InlineGrammar:
    """The marked copies of a source.

    Several labels of one span are written in the order of the label set, from the inside out, so
    that a set of entities has only one derivation.
    """

    pivot: ClassVar[str] = "close"

    def __init__(self, source: Source, labels: Labels, max_depth: int, marks: Marks) -> None:
        self.start = InlineState()
        self.source = replace(source, words=tuple(map(marks.safe, source.words)))
        self._max_depth = max_depth
        self._marks = marks
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
        """Return the legal moves: copy the next token, open a span, close the innermost one.

        A move is legal if the copy can be completed after it, with every open span closed within
        its sentence.
        """
        moves: list[Move] = []
        left = self._bound(state) - state.position  # tokens that may still be inside the open spans
        if left:
            gap = self._gap(state)
            moves.append(Move("copy", gap + self.source.words[state.position]))
            moves += self._opens[gap] if len(state.stack) < self._max_depth else []
        moves += self._closable(state)
        if len(state.stack) < left:
            # Each open span, and one more, can still close after a token of its own.
            return moves
        return [move for move in moves if self._completes(self.advance(state, move))]

    def advance(self, state: InlineState, move: Move) -> InlineState:
        """Return the state after a legal move."""
        if move.kind == "copy":
            return InlineState(state.position + 1, state.stack)
        if move.kind == "open":
            return InlineState(state.position, (*state.stack, Open(state.position, move.label)))
        top = state.stack[-1]
        closed = Open(top.start, top.label or move.label)
        return InlineState(state.position, state.stack[:-1], closed)

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """Split entities into a properly nested subset with known labels, and the others with the
        reason."""
        return expressible(entities, self._order, self.source, self._max_depth)

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """Return the canonical derivation of properly nested entities.

        Raises:
            ValueError: If one cannot be expressed: crossing, duplicate, too deep, unknown label,
                outside the source.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        # The next entity to be opened is the last one: the first start, then the longest.
        pending = sorted(kept, key=lambda e: (-e.start, e.end, self._order[e.label]))
        opened: list[Entity] = []
        moves: list[Move] = []
        state = self.start
        while pending or opened or state.position < len(self.source):
            label: str | None = None
            if opened and opened[-1].end == state.position:
                kind, label = "close", opened.pop().label
            elif pending and pending[-1].start == state.position:
                opened.append(pending.pop())
                kind, label = "open", opened[-1].label
            else:
                kind = "copy"
            move = next(
                move
                for move in self.moves(state)
                if move.kind == kind and move.label in (None, label)
            )
            moves.append(move)
            state = self.advance(state, move)
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """Return the marked spans. Each was decided by its opening, its closing, and the moves in
        between that were made where it could have been closed."""
        found: list[tuple[Entity, Deciding]] = []
        deciding: list[Deciding] = []  # of the open spans
        state = self.start
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
        """Return the end of the sentence in which the open spans, or a span opened now, must be
        closed."""
        return self._bounds[state.stack[0].start if state.stack else state.position]

    def _gap(self, state: InlineState) -> str:
        """Return the text before the next token or opening mark. The gap before a token moves to
        before the marks that open there: "in Leeds" becomes "in [Leeds | GPE]"."""
        return self._marks.gap if _just_opened(state) else GAPS[self.source.spaces[state.position]]

    def _closable(self, state: InlineState) -> list[Move]:
        """Return the closing moves that keep the canonical order of labels on one span."""
        if not state.stack or _just_opened(state):
            return []
        top, inner = state.stack[-1], state.closed
        closes = self._closes[top.label]
        if inner is None or inner.start != top.start or inner.label is None:
            return closes
        # The same tokens were just closed with the label of `inner`: only later labels may follow.
        if top.label is None:
            return closes[self._order[inner.label] + 1 :]
        return closes if self._order[top.label] > self._order[inner.label] else []

    def _completes(self, state: InlineState) -> bool:
        """Return whether every open span can still be closed.

        It is enough to try one way: closing as early as possible, with the first legal label,
        leaves the most tokens and labels to the other spans.
        """
        while state.stack:
            if closable := self._closable(state):
                state = self.advance(state, closable[0])
            elif state.position < self._bound(state):
                state = InlineState(state.position + 1, state.stack)
            else:
                return False
        return True


def _just_opened(state: InlineState) -> bool:
    """Return whether the innermost span has no token yet."""
    return bool(state.stack) and state.stack[-1].start == state.position
