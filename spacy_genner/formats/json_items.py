"""JSON lists of entities, each with its text, its label and its place: `[{"text": "Essex",
"label": "ORG", …}]`."""

import re
from collections.abc import Callable
from typing import Any

from ..answers import Listed
from ..labels.label_set import Labels
from ..text import Extent
from ..types import Entity, Move, Source
from .json_text import STRING, decode_items, escape_json, listed, read_value
from .lists import ListGrammar, ListState
from .mentions import Mentions

_FIELD = re.compile(rf'"(text|label|occurrence_index|start|end)"\s*:\s*({STRING}|-?\d+)', re.DOTALL)
_FINISH_EMPTY, _FINISH = Move("finish", "[]"), Move("finish", "]")
_BEGIN_FIRST, _BEGIN_NEXT = Move("begin", '[{"text": "'), Move("begin", ', {"text": "')


class JSONItemsGrammar(ListGrammar):
    """The JSON lists for a source: text, label and place of an entity, then those of the next one,
    and so on.

    Args:
        key: The JSON key before the place.
        place: Returns how the place of a span is written, given its start and end.
    """

    opening, closing = "", '", "label": "'
    tells_places = True

    def __init__(
        self,
        source: Source,
        labels: Labels,
        max_depth: int,
        key: str,
        place: Callable[[int, int], str],
    ) -> None:
        super().__init__(source, labels, max_depth, escape_json)
        self._place = place
        self._labels = label_moves(labels, key)

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Return the end of the list and the beginning of an entity; then the texts, labels and
        places that are possible for that entity."""
        if state.part == "item":
            begin = [_begin(state)] if self.labels_left(state.found) else []
            return [_finish(state), *begin]
        if state.part == "mention":
            return self.mentions(state)
        if state.part == "label":
            return [
                move
                for move in self._labels
                if self.places(state.found, state.text, move.label or "")
            ]
        if state.part == "place":
            return [self._place_move(*place) for place in self._legal(state)]
        return []

    def advance(self, state: ListState, move: Move) -> ListState:
        """Return the state after a legal move."""
        if move.kind == "finish":
            return ListState(state.found, "end")
        if move.kind == "begin":
            return ListState(state.found, "mention")
        if move.kind == "mention":
            return ListState(state.found, "label", text=self.text(move))
        if move.kind == "label":
            return ListState(state.found, "place", move.label, state.text)
        place = next(place for place in self._legal(state) if self._place_move(*place) == move)
        return ListState((*state.found, Entity(*place, state.label or "")))

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """Return the legal move that leads to the next entity, or to the end."""
        if not entity:
            return _finish(state)
        if state.part == "item":
            return _begin(state)
        if state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        if state.part == "label":
            return next(move for move in self._labels if move.label == entity.label)
        return self._place_move(entity.start, entity.end)

    def _legal(self, state: ListState) -> list[Extent]:
        return self.places(state.found, state.text, state.label or "")

    def _place_move(self, start: int, end: int) -> Move:
        return Move("place", self._place(start, end) + "}")


def _finish(state: ListState) -> Move:
    return _FINISH if state.found else _FINISH_EMPTY


def _begin(state: ListState) -> Move:
    return _BEGIN_NEXT if state.found else _BEGIN_FIRST


def label_moves(labels: Labels, key: str) -> list[Move]:
    """Return the moves that write a label and the key of the place after it."""
    return [Move("label", f'{escape_json(label)}", "{key}": ', label) for label in labels]


def item_marks(labels: Labels, key: str) -> list[str]:
    """Return every text that an answer may contain besides mentions and places."""
    around = [move.text for move in (_FINISH_EMPTY, _FINISH, _BEGIN_FIRST, _BEGIN_NEXT)]
    return [*around, JSONItemsGrammar.closing, *(move.text for move in label_moves(labels, key))]


def read_mentions_json(text: str) -> Listed:
    """Read `[{"text": "Essex", "label": "ORG"}]`; an item may also have an `occurrence_index`, or
    `start` and `end`.

    Outside valid JSON, a mention ends before the first field that it already has.
    """
    items, rests = decode_items(text, "[", dict)
    for rest in rests:
        item: dict[str, Any] = {}
        for name, value in _FIELD.findall(rest):
            if name in item:
                items.append(item)
                item = {}
            item[name] = read_value(value)
        items += [item] if item else []
    return listed(items, len(rests))
