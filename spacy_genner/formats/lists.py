"""Lists of entities. Each mention is a contiguous piece of the source, as in iNERD (arXiv
2308.07791), and mentions come in the order of their places."""

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

_CACHED = 8  # at most this many sets of spans are in use at the same time


@dataclass(frozen=True, slots=True)
class ListState:
    """A place in a list.

    Attributes:
        found: The entities that are complete.
        part: What is written next: "item", "mention", "label" or "place"; "end" if nothing is.
        label: The label of the entity that is being written, None while it is undecided.
        text: The text of that entity, empty while it is undecided.
    """

    found: tuple[Entity, ...] = ()
    part: str = "item"
    label: str | None = None
    text: str = ""


class ListGrammar(ABC):
    """The lists of entities of a source.

    Entities are sorted by start, the longest first, and the labels of one span are in the order of
    the label set, so that a set of entities has only one derivation.

    Args:
        source: The source of the mentions.
        labels: The labels that entities may have.
        max_depth: The greatest depth of nesting.
        escape: Returns how a token is written in a mention.
    """

    pivot: ClassVar[None] = None
    start = ListState()
    opening: str
    """The text before the first token of a mention."""
    closing: str
    """The text after the last token of a mention."""
    tells_places: ClassVar[bool] = False
    """Whether an answer says which place of a text is meant; if not, it is the first legal one."""

    def __init__(
        self, source: Source, labels: Labels, max_depth: int, escape: Callable[[str], str]
    ) -> None:
        self.source = source
        self.labels = list(labels)
        self.texts = Texts(source, escape)
        self._order = {label: index for index, label in enumerate(labels)}
        self._max_depth = max_depth
        self._nestable: Callable[[tuple[Entity, ...]], Spans] = lru_cache(_CACHED)(
            self._compute_nestable
        )

    @abstractmethod
    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Return the legal moves of a state. A move that ends the list comes first."""

    @abstractmethod
    def advance(self, state: ListState, move: Move) -> ListState:
        """Return the state after a legal move."""

    @abstractmethod
    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """Return the legal move that leads to the next entity, or to the end."""

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """Split entities into a properly nested subset with known labels, and the others with the
        reason. A format that does not state places may express another occurrence of the same text
        instead, and the given entity is then refused."""
        kept, refused = expressible(entities, self._order, self.source, self._max_depth)
        if self.tells_places:
            return kept, refused
        found: tuple[Entity, ...] = ()
        for entity in sorted(kept, key=self.key):
            places = self.places(found, self.texts(entity.start, entity.end), entity.label)
            if places:
                found = (*found, Entity(*places[0], entity.label))
        refused += [
            (entity, "at another place of the same text") for entity in kept if entity not in found
        ]
        return list(found), refused

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """Return the canonical derivation of properly nested entities.

        Raises:
            ValueError: If one cannot be expressed; see `expressible`.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        pending = deque(sorted(kept, key=self.key))
        moves: list[Move] = []
        state = self.start
        while state.part != "end":
            moves.append(self.toward(state, pending[0] if pending else None))
            state = self.advance(state, moves[-1])
            if pending and state.found[-1:] == (pending[0],):
                pending.popleft()
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """Return the listed entities. Each was decided by the moves since the entity before it."""
        found: list[tuple[Entity, Deciding]] = []
        deciding: list[int] = []
        state = self.start
        for index, move in enumerate(moves):
            deciding = [*deciding, index] if state.part != "item" else [index]
            state = self.advance(state, move)
            if len(state.found) > len(found):
                found.append((state.found[-1], Deciding(deciding, [])))
        return sorted(found)

    def key(self, entity: Entity) -> tuple[int, ...]:
        """Return the key by which a list is sorted."""
        return entity.start, -entity.end, self._order[entity.label]

    def labels_left(self, found: tuple[Entity, ...]) -> list[str]:
        """Return the labels that the next entity may have: always the last few of the label set."""
        if not self.labels or not self.spans(found, self.labels[-1]).any():
            return []
        if self.spans(found, self.labels[0]).any():
            return self.labels
        # Only the last span can be written once more, with a later label.
        return self.labels[self._order[found[-1].label] + 1 :]

    def spans(self, found: tuple[Entity, ...], label: str) -> Spans:
        """Return the spans that the next entity of a label may have: those that nest with the
        entities found and come after the last one in the order of the list."""
        spans = self._nestable(found)
        last = self.last(found, label)
        if last is None:
            return spans
        # After an entity of tokens 2 to 4, for example, none may start before token 2, nor start at
        # 2 and go beyond 4, as the longest comes first. Tokens 2 to 4 are left to a later label.
        spans = spans.copy()
        spans[: last.start] = False
        spans[last.start, last.end :] = False
        if self.key(Entity(last.start, last.end, label)) <= self.key(last):
            spans[last.start, last.end - 1] = False
        return spans

    def mentions(self, state: ListState) -> Mentions:
        """Return the mentions that may be written now: those of the label if it is decided, else
        those of any label."""
        # Every span that any label may have, the last label may have as well.
        spans = self.spans(state.found, state.label or self.labels[-1])
        return Mentions(self.texts, self.texts.once(spans), self.opening, self.closing)

    def text(self, mention: Move) -> str:
        """Return the text of a mention, without what is written around it."""
        return mention.text[len(self.opening) : len(mention.text) - len(self.closing)]

    def places(self, found: tuple[Entity, ...], text: str, label: str) -> list[tuple[int, int]]:
        """Return where the next entity may be, given its text and label: start and end."""
        spans, last = self._nestable(found), self.last(found, label)
        places = [place for place in self.texts.find(text) if spans[place[0], place[1] - 1]]
        if last is None:
            return places
        after = self.key(last)
        return [place for place in places if after < self.key(Entity(*place, label))]

    def placed(self, state: ListState, text: str) -> tuple[Entity, ...]:
        """Return the entities with one more, which has a given text, at its first legal place."""
        label = state.label or ""
        return (*state.found, Entity(*self.places(state.found, text, label)[0], label))

    def last(self, found: tuple[Entity, ...], label: str) -> Entity | None:
        """Return the entity after which the next one of a label must come, if there is one."""
        return found[-1] if found else None

    def _compute_nestable(self, found: tuple[Entity, ...]) -> Spans:
        """Return the spans within a sentence that cross no entity found, and that make the nesting
        no deeper than is allowed."""
        size = len(self.source)
        ends = np.array(self.source.bounds()[:-1], dtype=int)  # of the sentence of each token
        spans = np.triu(np.arange(size) < ends[:, None])  # first token ≤ last token < end
        around = np.zeros(spans.shape, dtype=int)  # how many entities lie around each span
        nested, _ = nest(found)
        for entity, depth in zip(nested, depths(nested), strict=True):
            # An entity of tokens 2 to 4 is crossed by a span that starts at 0 or 1 and whose last
            # token is 2 or 3, and by one that starts at 3 or 4 and whose last token is 5 or later.
            start, last = entity.start, entity.end - 1
            spans[:start, start:last] = False
            spans[start + 1 : last + 1, last + 1 :] = False
            around[start:, : last + 1] += 1
            if depth == self._max_depth:
                spans[: start + 1, last:] = False  # One around it would push it too deep
        return spans & (around < self._max_depth)
