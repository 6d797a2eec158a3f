"""JSON lists of entities, each with its text, its label, and its place: `[{"text": "Essex",
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
_FINISH = [Move("finish", "[]"), Move("finish", "]")]
_BEGIN = [Move("begin", '[{"text": "'), Move("begin", ', {"text": "')]


class JSONItemsGrammar(ListGrammar):
    """Text, label, place; text, label, place; …

    Args:
        key: What stands before the place.
        place: How the place of a span is written.
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
        """Finish, or begin an entity; then its text, its label, its place."""
        more = bool(state.found)
        if state.part == "item":
            return [_FINISH[more], *([_BEGIN[more]] if self.labels_left(state.found) else [])]
        if state.part == "mention":
            return self.mentions(state)
        if state.part == "label":
            return [
                move
                for move in self._labels
                if self.places(state.found, state.text, move.label or "")
            ]
        return (
            [self._place_move(*place) for place in self._legal(state)]
            if state.part == "place"
            else []
        )

    def advance(self, state: ListState, move: Move) -> ListState:
        """The state after a legal move."""
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
        """The legal move that leads to the next entity, or to the end."""
        more = bool(state.found)
        if not entity:
            return _FINISH[more]
        if state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        if state.part == "label":
            return next(move for move in self._labels if move.label == entity.label)
        return _BEGIN[more] if state.part == "item" else self._place_move(entity.start, entity.end)

    def _legal(self, state: ListState) -> list[Extent]:
        return self.places(state.found, state.text, state.label or "")

    def _place_move(self, start: int, end: int) -> Move:
        return Move("place", self._place(start, end) + "}")


def label_moves(labels: Labels, key: str) -> list[Move]:
    """The moves that say a label, up to the place."""
    return [Move("label", f'{escape_json(label)}", "{key}": ', label) for label in labels]


def item_marks(labels: Labels, key: str) -> list[str]:
    """What an answer may contain besides mentions and places."""
    items = [JSONItemsGrammar.closing, *(move.text for move in label_moves(labels, key))]
    return [move.text for move in _FINISH + _BEGIN] + items


def read_mentions_json(text: str) -> Listed:
    """`[{"text": "Essex", "label": "ORG"}]`, each with an `occurrence_index`, or `start` and `end`,
    or neither. Outside of valid JSON, a mention goes as far as no field comes again."""
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
