"""Lists of entities: mentions are contiguous pieces of the source, in the order of their places."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..labels.label_set import Labels
from ..nesting import depths, nest
from ..types import Entity, Move, Source
from .base import Deciding, Refused, expressible, inexpressible_error
from .mentions import Mentions, Spans, Texts

_CACHED = 8  # as many sets of spans are in use at once at most


@dataclass(frozen=True, slots=True)
class ListState:
    """A place in a list.

    Attributes:
        found: The entities that are complete.
        part: What is written next: "item", "mention", "label", "place"; "end" when nothing is.
        label, text: Of the entity under way, as far as they are decided.
    """

    found: tuple[Entity, ...] = ()
    part: str = "item"
    label: str | None = None
    text: str = ""


class ListGrammar(ABC):
    """The lists of entities of a source: by start, the longest first, the labels of one span in the
    order of the label set, so that a set of entities has one derivation.

    Args:
        source, labels, max_depth: What there is to say.
        escape: How a token of a mention is written.
    """

    pivot: ClassVar[None] = None
    start = ListState()
    opening: ClassVar[str]
    """What stands before the first token of a mention."""
    closing: ClassVar[str]
    """What stands behind the last one."""
    tells_places: ClassVar[bool] = False
    """Whether it is said where a text is meant; else it is the first place where it may be."""

    def __init__(
        self, source: Source, labels: Labels, max_depth: int, escape: Callable[[str], str]
    ) -> None:
        self.source, self.labels = source, list(labels)
        self.texts = Texts(source, escape)
        self._order = {label: index for index, label in enumerate(labels)}
        self._max_depth = max_depth
        self._nestable: Callable[[tuple[Entity, ...]], Spans] = lru_cache(_CACHED)(
            self._compute_nestable
        )

    @abstractmethod
    def moves(self, state: ListState) -> list[Move] | Mentions:
        """The legal moves. The one that ends a list is the first."""

    @abstractmethod
    def advance(self, state: ListState, move: Move) -> ListState:
        """The state after a legal move."""

    @abstractmethod
    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """The legal move that leads to the next entity, or to the end."""

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """The properly nested ones of known labels, perhaps at another place of the same text, and
        the others with the reason."""
        kept, refused = expressible(entities, self._order, self.source, self._max_depth)
        if self.tells_places:
            return kept, refused
        found: tuple[Entity, ...] = ()
        for entity in sorted(kept, key=self.key):
            places = self.places(found, self.texts(entity.start, entity.end), entity.label)
            found += tuple(Entity(start, end, entity.label) for start, end in places[:1])
        refused += [
            (entity, "at another place of the same text") for entity in kept if entity not in found
        ]
        return list(found), refused

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The canonical derivation of properly nested entities.

        Raises:
            ValueError: If they cannot be said; see `expressible`.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        pending = deque(sorted(kept, key=self.key))
        moves, state = list[Move](), self.start
        while state.part != "end":
            moves.append(self.toward(state, pending[0] if pending else None))
            state = self.advance(state, moves[-1])
            if pending and state.found[-1:] == (pending[0],):
                pending.popleft()
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """The listed entities, each with the moves since the one before."""
        found, state = list[tuple[Entity, Deciding]](), self.start
        deciding = list[int]()
        for index, move in enumerate(moves):
            deciding = [*deciding, index] if state.part != "item" else [index]
            state = self.advance(state, move)
            if len(state.found) > len(found):
                found.append((state.found[-1], Deciding(deciding, [])))
        return sorted(found)

    def key(self, entity: Entity) -> tuple[int, ...]:
        """By which a list is sorted."""
        return entity.start, -entity.end, self._order[entity.label]

    def labels_left(self, found: tuple[Entity, ...]) -> list[str]:
        """The labels that the next entity may have."""
        if not self.labels or not self.spans(found, self.labels[-1]).any():
            return []
        if self.spans(found, self.labels[0]).any():
            return self.labels
        return self.labels[self._order[found[-1].label] + 1 :]  # of the last span once more

    def spans(self, found: tuple[Entity, ...], label: str) -> Spans:
        """The spans that the next entity of a label may have."""
        spans = self._nestable(found)
        if last := self.last(found, label):
            here = last.start, last.end - 1
            again = spans[here] and self.key(last) < self.key(Entity(last.start, last.end, label))
            spans = spans.copy()
            spans[: last.start] = spans[last.start, last.end - 1 :] = False
            spans[here] = again
        return spans

    def mentions(self, state: ListState) -> Mentions:
        """The mentions that may be written now: of the label if it is decided, else of any."""
        spans = self.spans(state.found, state.label or self.labels[-1])
        return Mentions(self.texts, self.texts.once(spans), self.opening, self.closing)

    def text(self, mention: Move) -> str:
        """What a mention writes of the source."""
        return mention.text[len(self.opening) : len(mention.text) - len(self.closing)]

    def places(self, found: tuple[Entity, ...], text: str, label: str) -> list[tuple[int, int]]:
        """Where an entity of this text and label may be."""
        spans, last = self._nestable(found), self.last(found, label)
        places = [place for place in self.texts.find(text) if spans[place[0], place[1] - 1]]
        return [
            place
            for place in places
            if not last or self.key(last) < self.key(Entity(*place, label))
        ]

    def placed(self, state: ListState, text: str) -> tuple[Entity, ...]:
        """The entities when one of this text is added at the first place where it may be."""
        label = state.label or ""
        return (*state.found, Entity(*self.places(state.found, text, label)[0], label))

    def last(self, found: tuple[Entity, ...], label: str) -> Entity | None:
        """The entity behind which the next one of a label comes."""
        return found[-1] if found else None

    def _compute_nestable(self, found: tuple[Entity, ...]) -> Spans:
        """The spans within a sentence that cross none of those found, at no depth beyond the
        greatest."""
        size, bounds = len(self.source), np.array(self.source.bounds()[:-1], dtype=int)
        spans = np.triu(np.arange(size) < bounds[:, None])
        around = np.zeros(spans.shape, dtype=int)
        nested = nest(found)[0]
        for entity, depth in zip(nested, depths(nested), strict=True):
            start, last = entity.start, entity.end - 1
            spans[:start, start:last] = False  # ends inside
            spans[start + 1 : last + 1, last + 1 :] = False  # starts inside
            around[start:, : last + 1] += 1
            if depth == self._max_depth:
                spans[: start + 1, last:] = False
        return spans & (around < self._max_depth)
