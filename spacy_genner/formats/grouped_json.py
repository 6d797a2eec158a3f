"""JSON with the texts of each label: `{"ORG": ["Essex Police"], "GPE": ["Essex"], "PER": []}`.

Source: the category-grouped JSON format of LLMs4NER (arXiv 2601.17898).
"""

import re
from dataclasses import dataclass, replace

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
    """Lists the entities of each label by their texts. Of several places of a text the first is
    meant that comes behind the one before in the same group.

    Attributes:
        max_depth: How many spans may lie around one another, the innermost counted.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return 'Write the entities of each label as JSON, like {"LABEL": ["entity"]}.'

    def marks(self, labels: Labels) -> list[str]:
        """The beginning and the end of each group, and the quotes."""
        return ['"', ', "', *_heads(list(labels))]

    def grammar(self, source: Source, labels: Labels) -> "GroupedJSONGrammar":
        """The grammar of the JSON objects for a source."""
        return GroupedJSONGrammar(source, labels, self.max_depth)

    def read(self, text: str) -> Listed:
        """What an answer says that was written freely, however broken it is."""
        return read_grouped_json(text)


def _heads(labels: list[str]) -> list[str]:
    """What stands before each group, and behind the last one."""
    if not labels:
        return ["{}"]
    first, *others = (f"{quote(label)}: [" for label in labels)
    return ["{" + first, *("], " + head for head in others), "]}"]


class GroupedJSONGrammar(ListGrammar):
    """Text, text, …; next label."""

    opening, closing = "", '"'

    def __init__(self, source: Source, labels: Labels, max_depth: int) -> None:
        super().__init__(source, labels, max_depth, escape_json)
        self._next = dict(zip([None, *labels], [*labels, None], strict=True))
        self._heads = {
            before: Move("finish", text)
            for before, text in zip(self._next, _heads(self.labels), strict=True)
        }

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Finish the group, or begin a text; then a text."""
        if state.part == "item":
            more = state.label is not None and self.spans(state.found, state.label).any()
            return [self._heads[state.label], *([self._begin(state)] if more else [])]
        return self.mentions(state) if state.part == "mention" else []

    def advance(self, state: ListState, move: Move) -> ListState:
        """The state after a legal move."""
        if move.kind == "finish":
            label = self._next[state.label]
            return ListState(state.found, "item" if label is not None else "end", label)
        if move.kind == "begin":
            return ListState(state.found, "mention", state.label)
        return ListState(self.placed(state, self.text(move)), "item", state.label)

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """The legal move that leads to the next entity, or to the end."""
        if entity and state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        return (
            self._begin(state)
            if entity and entity.label == state.label
            else self._heads[state.label]
        )

    def key(self, entity: Entity) -> tuple[int, ...]:
        """By label, then by place."""
        *place, label = super().key(entity)
        return label, *place

    def last(self, found: tuple[Entity, ...], label: str) -> Entity | None:
        """The last one of the group."""
        return next((entity for entity in reversed(found) if entity.label == label), None)

    def _begin(self, state: ListState) -> Move:
        return Move("begin", ', "' if state.found and state.found[-1].label == state.label else '"')


def read_grouped_json(text: str) -> Listed:
    """`{"ORG": ["Essex"], "PER": []}`. Outside of valid JSON, each string is a label or a mention
    by itself."""
    groups, rests = decode_items(
        text, "{", tuple
    )  # pairs: a label that occurs twice keeps both groups
    found = [
        (label, item)
        for label, items in groups
        for item in (items if isinstance(items, list) else [items])
    ]
    for rest in rests:
        label = None
        for string, colon in _KEY_OR_TEXT.findall(rest):
            if colon:
                label = read_value(string)
            elif label is not None:
                found.append((label, read_value(string)))
    return replace(
        listed([{"label": label, "text": item} for label, item in found], len(rests)), grouped=True
    )
