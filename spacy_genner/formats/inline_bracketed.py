"""Inline brackets: `[Essex | ORG]`, nested `[[c-fos | RNA] promoter | DNA]`, or label first `[ORG: Essex]`.

Source: the inline bracketed format of LLMs4NER (arXiv 2601.17898).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..labels import Labels
from ..nesting import nest
from ..types import Entity, Move, Source

_DELIMITER = re.compile(r"[\\\[\]|]")
_LABEL_DELIMITER = re.compile(r"[\\\[\]|:]")


@dataclass(frozen=True, slots=True)
class InlineBracketed:
    """Marks each entity where it stands in a copy of the source.

    max_depth: How many spans may be open at one place.
    label_first: Write the label at the opening bracket instead of the closing one.
    """

    max_depth: int = 4
    label_first: bool = False

    def __post_init__(self) -> None:
        if self.max_depth < 1:
            raise ValueError(f"max_depth = {self.max_depth}: an entity needs a depth of at least 1")

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        example = "[LABEL: entity]" if self.label_first else "[entity | LABEL]"
        return f"Copy the text and mark each entity as {example}."

    def marks(self, labels: Labels) -> list[str]:
        """The brackets, with and without a space before them, for every label."""
        opens, closes = _brackets(self, list(labels))
        return [space + mark for mark in opens for space in ("", " ")] + closes

    def grammar(self, source: Source, labels: Labels) -> "InlineGrammar":
        """The grammar of the marked copies of a source."""
        return InlineGrammar(self, source, labels)


def _brackets(format: InlineBracketed, labels: list[str]) -> tuple[list[str], list[str]]:
    """The opening and the closing marks; those that carry labels are in the order of the labels."""
    names = [_LABEL_DELIMITER.sub(r"\\\g<0>", label) for label in labels]
    if format.label_first:
        return [f"[{name}:" for name in names], ["]"]
    return ["["] if names else [], [f" | {name}]" for name in names]


@dataclass(frozen=True, slots=True)
class Open:
    """A span that was opened: its first token and its label, None while that is not decided."""

    start: int
    label: str | None


@dataclass(frozen=True, slots=True)
class State:
    """A place in the copy.

    position: The number of source tokens copied.
    stack: The open spans, the innermost last.
    closed: The span that was closed last, if that was at this place.
    """

    position: int = 0
    stack: tuple[Open, ...] = ()
    closed: Open | None = None


class InlineGrammar:
    """The marked copies of a source. Several labels of one span are written in the order of the label set from the
    inside out, so that a set of entities has one derivation."""

    def __init__(self, format: InlineBracketed, source: Source, labels: Labels) -> None:
        self.start = State()
        self._source = source
        self._max_depth = format.max_depth
        self._label_first = format.label_first
        self._order = {label: index for index, label in enumerate(labels)}
        opens, closes = _brackets(format, list(labels))
        open_labels, close_labels = (list(labels), [None]) if format.label_first else ([None], list(labels))
        self._opens = {
            space: [Move("open", space + text, label) for text, label in zip(opens, open_labels, strict=False)]
            for space in ("", " ")
        }
        self._closes = [Move("close", text, label) for text, label in zip(closes, close_labels, strict=False)]

    def moves(self, state: State) -> list[Move]:
        """Copy the next token, open a span, close the innermost one: those after which the copy can be completed."""
        moves, left = list[Move](), len(self._source) - state.position
        if left:
            space = self._space(state)
            moves.append(Move("copy", space + _DELIMITER.sub(r"\\\g<0>", self._source.words[state.position])))
            moves += self._opens[space] if len(state.stack) < self._max_depth else []
        moves += self._closable(state)
        if len(state.stack) < left:  # each open span, and one more, may still close behind a token of its own
            return moves
        return [move for move in moves if self._completes(self.advance(state, move))]

    def advance(self, state: State, move: Move) -> State:
        """The state after a legal move."""
        if move.kind == "copy":
            return State(state.position + 1, state.stack)
        if move.kind == "open":
            return State(state.position, (*state.stack, Open(state.position, move.label)))
        top = state.stack[-1]
        return State(state.position, state.stack[:-1], Open(top.start, top.label or move.label))

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The canonical derivation of properly nested entities.

        Raises: ValueError if they cannot be said: crossing, duplicate, too deep, unknown label, outside the source.
        """
        kept, refused = nest(entities, self._max_depth)
        refused += [(e, "unknown label") for e in kept if e.label not in self._order]
        refused += [(e, "outside the source") for e in kept if not 0 <= e.start < e.end <= len(self._source)]
        if refused:
            raise ValueError("no derivation for " + "; ".join(f"{entity} ({reason})" for entity, reason in refused))
        pending = sorted(kept, key=lambda e: (-e.start, e.end, self._order[e.label]))
        opened = list[Entity]()
        moves, state = list[Move](), self.start
        while pending or opened or state.position < len(self._source):
            if opened and opened[-1].end == state.position:
                kind, label = "close", opened.pop().label
            elif pending and pending[-1].start == state.position:
                opened.append(pending.pop())
                kind, label = "open", opened[-1].label
            else:
                kind, label = "copy", None
            legal = (move for move in self.moves(state) if move.kind == kind and move.label in (None, label))
            moves.append(next(legal))
            state = self.advance(state, moves[-1])
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, list[int]]]:
        """The marked spans, each with its opening, its closing, and the moves in between where it could have been
        closed instead."""
        found, state = list[tuple[Entity, list[int]]](), self.start
        deciding = list[list[int]]()
        for index, move in enumerate(moves):
            if self._closable(state):
                deciding[-1].append(index)
            if move.kind == "open":
                deciding.append([index])
            state = self.advance(state, move)
            if move.kind == "close" and state.closed:
                entity = Entity(state.closed.start, state.position, state.closed.label or "")
                found.append((entity, deciding.pop()))
        return sorted(found)

    def _space(self, state: State) -> str:
        """What stands before the next token or opening mark: its space moves in front of the marks that open there."""
        if _just_opened(state):
            return " " if self._label_first else ""
        return " " if self._source.spaces[state.position] else ""

    def _closable(self, state: State) -> list[Move]:
        """The closing moves that keep to the canonical order."""
        if not state.stack or _just_opened(state):
            return []
        top, inner = state.stack[-1], state.closed
        if inner is None or inner.start != top.start or inner.label is None:
            return self._closes
        if top.label is None:
            return self._closes[self._order[inner.label] + 1 :]
        return self._closes if self._order[top.label] > self._order[inner.label] else []

    def _completes(self, state: State) -> bool:
        """Whether every open span can still be closed: closing as early as possible, with the first label that may be
        written, leaves the most to the others."""
        while state.stack:
            if closable := self._closable(state):
                state = self.advance(state, closable[0])
            elif state.position < len(self._source):
                state = State(state.position + 1, state.stack)
            else:
                return False
        return True


def _just_opened(state: State) -> bool:
    """Whether the innermost span has no token yet."""
    return bool(state.stack) and state.stack[-1].start == state.position
