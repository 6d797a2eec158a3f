"""JSON with the texts of each label: `{"ORG": ["Essex Police"], "GPE": ["Essex"], "PER": []}`.

Source: the category-grouped JSON format of LLMs4NER (arXiv 2601.17898).
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from ..answers import Listed
from ..labels.label_set import Labels
from ..types import Entity, Move, Source
from .json_text import STRING, decode_items, escape_json, listed, quote, read_value
from .lists import ListGrammar, ListState
from .mentions import Mentions
from .nested import Nested

_KEY_OR_TEXT = re.compile(rf"({STRING})(\s*:)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GroupedJSON(Nested):
    """A format that lists the entities of each label by their texts.

    A text that occurs at several places means the first place after the entity before it in the
    same group.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return 'Write the entities of each label as JSON, like {"LABEL": ["entity"]}.'

    def marks(self, labels: Labels) -> list[str]:
        """Return the beginning and the end of each group, and the quotes."""
        return ['"', ', "', *_heads(list(labels))]

    def grammar(self, source: Source, labels: Labels) -> "GroupedJSONGrammar":
        """Return the grammar of the JSON objects for a source."""
        return GroupedJSONGrammar(source, labels, self.max_depth)

    def read(self, text: str) -> Listed:
        """Read a JSON object that a model wrote without constraints, however broken it is."""
        return read_grouped_json(text)


def _heads(labels: list[str]) -> list[str]:
    """Return the text before each group, and the text after the last one."""
    if not labels:
        return ["{}"]
    first, *others = (f"{quote(label)}: [" for label in labels)
    return ["{" + first, *("], " + head for head in others), "]}"]


class GroupedJSONGrammar(ListGrammar):
    """The JSON objects for a source: the texts of the first label, those of the next one, and so
    on."""

    opening, closing = "", '"'

    def __init__(self, source: Source, labels: Labels, max_depth: int) -> None:
        super().__init__(source, labels, max_depth, escape_json)
        # Each group leads to the next one. None stands for what is before the first group, and for
        # what is after the last one: None → "ORG" → "GPE" → None.
        groups = [None, *self.labels]
        self._next = dict(zip(groups, [*self.labels, None], strict=True))
        ends = [Move("finish", head) for head in _heads(self.labels)]
        self._ends = dict(zip(groups, ends, strict=True))

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Return the end of the group and the beginning of a text; once a text has begun, the
        possible texts."""
        if state.part == "mention":
            return self.mentions(state)
        if state.part == "end":
            return []
        moves = [self._ends[state.label]]
        if state.label is not None and self.spans(state.found, state.label).any():
            moves.append(self._begin(state))
        return moves

    def advance(self, state: ListState, move: Move) -> ListState:
        """Return the state after a legal move."""
        if move.kind == "finish":
            label = self._next[state.label]
            return ListState(state.found, "item" if label is not None else "end", label)
        if move.kind == "begin":
            return ListState(state.found, "mention", state.label)
        return ListState(self.placed(state, self.text(move)), "item", state.label)

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """Return the legal move that leads to the next entity, or to the end."""
        if entity and state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        if entity and entity.label == state.label:
            return self._begin(state)
        return self._ends[state.label]

    def key(self, entity: Entity) -> tuple[int, ...]:
        """Return the sort key: the label, then the place."""
        *place, label = super().key(entity)
        return label, *place

    def last(self, found: tuple[Entity, ...], label: str) -> Entity | None:
        """Return the last entity of the group, if there is one."""
        return next((entity for entity in reversed(found) if entity.label == label), None)

    def _begin(self, state: ListState) -> Move:
        """Return the move that begins a text, with a comma before all but the first of a group."""
        follows_another = bool(state.found) and state.found[-1].label == state.label
        return Move("begin", ', "' if follows_another else '"')


def read_grouped_json(text: str) -> Listed:
    """Read `{"ORG": ["Essex"], "PER": []}`.

    Outside valid JSON, each string before a colon is a label, and each other string is a mention
    with the last label.
    """
    # Pairs, not a dictionary: of a label that occurs twice, both groups are kept.
    groups, rests = decode_items(text, "{", tuple)
    items: list[dict[str, Any]] = []
    for label, texts in groups:
        for mention in texts if isinstance(texts, list) else [texts]:
            items.append({"label": label, "text": mention})
    for rest in rests:
        label = None
        for string, colon in _KEY_OR_TEXT.findall(rest):
            if colon:
                label = read_value(string)
            elif label is not None:
                items.append({"label": label, "text": read_value(string)})
    return replace(listed(items, len(rests)), grouped=True)
