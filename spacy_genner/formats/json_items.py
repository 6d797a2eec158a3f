"""JSON lists of entities, each with its text, its label and its place: `[{"text": "Essex",
"label": "ORG", …}]`."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..answers import Listed
from ..labels.label_set import Labels
from ..text import Extent
from ..types import Entity, Move, Source
from .json_text import STRING, decode_items, escape_json, listed, quote, read_value
from .lists import ListGrammar, ListState
from .mentions import Mentions
from .nested import Nested

_FINISH_EMPTY, _FINISH = Move("finish", "[]"), Move("finish", "]")
_PLACES = {key: key for key in ("occurrence_index", "start", "end")}
_FIELDS = {"text": "text", "label": "label", **_PLACES}


class Layout(NamedTuple):
    """What is written around the text, the label and the place of an entity.

    Attributes:
        begin: The text before the first of text and label.
        after_text: The text after the text.
        after_label: The text after the label.
        label_first: Whether the label comes before the text.
    """

    begin: str
    after_text: str
    after_label: str
    label_first: bool


@dataclass(frozen=True, slots=True)
class JSONItems(Nested, ABC):
    """A format that lists the entities by text, label and place.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
        text_key: The key of the text.
        label_key: The key of the label.
        label_first: Write the label before the text.

    Raises:
        ValueError: If the depth is below 1.
        ValueError: If two keys are equal.
    """

    text_key: str = "text"
    label_key: str = "label"
    label_first: bool = False

    def __post_init__(self) -> None:
        Nested.__post_init__(self)  # A class with slots is made twice, and super() takes the first
        keys = [self.text_key, self.label_key, *self.places().values()]
        if len(set(keys)) < len(keys):
            raise ValueError(
                f"the keys {', '.join(map(repr, keys))} are not all different: choose another name "
                "for one of them"
            )

    @abstractmethod
    def places(self) -> dict[str, str]:
        """Return the keys of the place in their order, by their default names."""

    def layout(self) -> Layout:
        """Return what is written around the text, the label and the place of an entity."""
        text, label = quote(self.text_key), quote(self.label_key)
        place = quote(next(iter(self.places().values())))
        if self.label_first:
            return Layout(f'{{{label}: "', f'", {place}: ', f'", {text}: "', True)
        return Layout(f'{{{text}: "', f'", {label}: "', f'", {place}: ', False)

    def example(self, place: str) -> str:
        """Return one sentence with an example of an entity, given how its place is written."""
        layout = self.layout()
        parts = ["entity" + layout.after_text, "LABEL" + layout.after_label]
        item = layout.begin + "".join(reversed(parts) if self.label_first else parts) + place
        return f"List the entities as JSON, like [{item}}}]."

    def marks(self, labels: Labels) -> list[str]:
        """Return every text around mentions, and the digits."""
        layout = self.layout()
        around = [_FINISH_EMPTY.text, _FINISH.text, f"[{layout.begin}", f", {layout.begin}"]
        around += [layout.after_text, *(move.text for move in label_moves(labels, layout))]
        return around + [f"{digit}}}" for digit in range(10)]

    def read(self, text: str) -> Listed:
        """Read a JSON list that a model wrote without constraints, however broken it is."""
        names = {self.text_key: "text", self.label_key: "label"}
        names |= {key: name for name, key in self.places().items()}
        return read_mentions_json(text, _PLACES | names)


class JSONItemsGrammar(ListGrammar):
    """The JSON lists for a source: text, label and place of an entity, then those of the next one,
    and so on.

    Args:
        layout: What is written around them.
        place: Returns how the place of a span is written, given its start and end.
    """

    opening = ""
    tells_places = True

    def __init__(
        self,
        source: Source,
        labels: Labels,
        max_depth: int,
        layout: Layout,
        place: Callable[[int, int], str],
    ) -> None:
        super().__init__(source, labels, max_depth, escape_json)
        self.closing = layout.after_text
        self._place = place
        self._labels = label_moves(labels, layout)
        self._begin_first = Move("begin", f"[{layout.begin}")
        self._begin_next = Move("begin", f", {layout.begin}")
        first, second = ("label", "mention") if layout.label_first else ("mention", "label")
        self._following = {"begin": first, first: second, second: "place"}

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Return the end of the list and the beginning of an entity; then the texts, labels and
        places that are possible for that entity."""
        if state.part == "item":
            begin = [self._begin(state)] if self.labels_left(state.found) else []
            return [_finish(state), *begin]
        if state.part == "mention":
            return self.mentions(state)
        if state.part == "label":
            return [move for move in self._labels if self._is_possible(state, move.label or "")]
        if state.part == "place":
            return [self._place_move(*place) for place in self._legal(state)]
        return []

    def advance(self, state: ListState, move: Move) -> ListState:
        """Return the state after a legal move."""
        if move.kind == "finish":
            return ListState(state.found, "end")
        if move.kind == "place":
            place = next(place for place in self._legal(state) if self._place_move(*place) == move)
            return ListState((*state.found, Entity(*place, state.label or "")))
        text = self.text(move) if move.kind == "mention" else state.text
        return ListState(state.found, self._following[move.kind], move.label or state.label, text)

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """Return the legal move that leads to the next entity, or to the end."""
        if not entity:
            return _finish(state)
        if state.part == "item":
            return self._begin(state)
        if state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        if state.part == "label":
            return next(move for move in self._labels if move.label == entity.label)
        return self._place_move(entity.start, entity.end)

    def _is_possible(self, state: ListState, label: str) -> bool:
        """Return whether the next entity, whose text may be decided already, may have a label."""
        if state.text:
            return bool(self.places(state.found, state.text, label))
        return bool(self.spans(state.found, label).any())

    def _legal(self, state: ListState) -> list[Extent]:
        return self.places(state.found, state.text, state.label or "")

    def _place_move(self, start: int, end: int) -> Move:
        return Move("place", self._place(start, end) + "}")

    def _begin(self, state: ListState) -> Move:
        return self._begin_next if state.found else self._begin_first


def _finish(state: ListState) -> Move:
    return _FINISH if state.found else _FINISH_EMPTY


def label_moves(labels: Labels, layout: Layout) -> list[Move]:
    """Return the moves that write a label and what follows it."""
    return [Move("label", escape_json(label) + layout.after_label, label) for label in labels]


def read_mentions_json(text: str, keys: Mapping[str, str] = _FIELDS) -> Listed:
    """Read `[{"text": "Essex", "label": "ORG"}]`; an item may also have an `occurrence_index`, or
    `start` and `end`.

    Outside valid JSON, a mention ends before the first field that it already has.

    Args:
        keys: The default names of the keys in the answer.
    """
    items, rests = decode_items(text, "[", dict)
    for rest in rests:
        item: dict[str, Any] = {}
        for quoted, value in _field(tuple(keys)).findall(rest):
            key = read_value(quoted)
            if key in item:
                items.append(item)
                item = {}
            item[key] = read_value(value)
        items += [item] if item else []
    return listed([_renamed(item, keys) for item in items], len(rests))


@lru_cache
def _field(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a field with one of some keys."""
    quoted = "|".join(re.escape(quote(key)) for key in keys)
    return re.compile(rf"({quoted})\s*:\s*({STRING}|-?\d+)", re.DOTALL)


def _renamed(item: Any, keys: Mapping[str, str]) -> Any:
    """Return an item of a list with the default names of its known fields."""
    if not isinstance(item, dict):
        return item
    return {keys[key]: value for key, value in item.items() if key in keys}
