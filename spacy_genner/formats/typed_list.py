"""A list of labels and texts: `ORG: Essex Police; GPE: Essex;.`

Source: iNERD (arXiv 2308.07791), which writes the type, a separator, the text and a separator.
"""

import re
from dataclasses import dataclass

from ..answers import Listed, Mention
from ..labels.label_set import Labels
from ..types import Entity, Move, Source
from .backslashes import escape, unescape
from .lists import ListGrammar, ListState
from .mentions import Mentions
from .nested import Nested

# A label starts after a mark or at the beginning of the text. Otherwise, every place in a text
# without marks would be tried.
_ITEM = re.compile(
    r"(?<![^\\:;.])(?:(?<=;) )?((?:[^\\:;.]|\\.)+): ((?:[^\\;]|\\.|\\\Z)*)(;|\Z)", re.DOTALL
)
_FINISH = Move("finish", ".")


@dataclass(frozen=True, slots=True)
class TypedList(Nested):
    """A format that lists the entities, each by its label and its text.

    A text that occurs at several places means the first place after the entity before it.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return (
            "List the entities in the order of the text, each as LABEL: entity; and end the list "
            "with a full stop."
        )

    def marks(self, labels: Labels) -> list[str]:
        """Return the labels, with and without a space before them, and the ends of a text and of a
        list."""
        label_moves = _label_moves("", labels) + _label_moves(" ", labels)
        return [_FINISH.text, ";", *(move.text for move in label_moves)]

    def grammar(self, source: Source, labels: Labels) -> "TypedListGrammar":
        """Return the grammar of the lists of entities of a source."""
        return TypedListGrammar(source, labels, self.max_depth)

    def read(self, text: str) -> Listed:
        """Read a list that a model wrote without constraints, however broken it is."""
        return read_typed_list(text)


def escape_text(word: str) -> str:
    """Return a token as it is written in a mention."""
    return escape(word, ";")


def _label_moves(space: str, labels: Labels) -> list[Move]:
    names = {label: escape(label, ":;.") for label in labels}
    return [Move("label", f"{space}{name}:", label) for label, name in names.items()]


class TypedListGrammar(ListGrammar):
    """The lists for a source: the label and the text of an entity, then those of the next one, and
    so on."""

    opening, closing = " ", ";"

    def __init__(self, source: Source, labels: Labels, max_depth: int) -> None:
        super().__init__(source, labels, max_depth, escape_text)
        self._first_labels = _label_moves("", labels)
        self._later_labels = _label_moves(" ", labels)

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Return the end of the list and the labels; after a label, the texts."""
        if state.part == "item":
            label_moves = self._later_labels if state.found else self._first_labels
            left = self.labels_left(state.found)
            return [_FINISH, *label_moves[len(label_moves) - len(left) :]]
        return self.mentions(state) if state.part == "mention" else []

    def advance(self, state: ListState, move: Move) -> ListState:
        """Return the state after a legal move."""
        if move.kind == "finish":
            return ListState(state.found, "end")
        if move.kind == "label":
            return ListState(state.found, "mention", move.label)
        return ListState(self.placed(state, self.text(move)))

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """Return the legal move that leads to the next entity, or to the end."""
        if entity is None:
            return _FINISH
        if state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        return next(move for move in self.moves(state) if move.label == entity.label)


def read_typed_list(text: str) -> Listed:
    """Read `ORG: Essex Police; GPE: Essex;.`, where a mark after a backslash is a part of the
    text."""
    mentions: list[Mention] = []
    unread = 0
    end = 0
    for item in _ITEM.finditer(text):
        if not _is_blank(text[end : item.start()]):
            unread += 1
        end = item.end()
        label, name, closing = item.groups()
        name = unescape(name)
        if not closing:
            # The answer ends within the list. A full stop ends the list, not the text.
            name = name.strip().removesuffix(".")
        mentions.append(Mention(name, unescape(label)))
    if not _is_blank(text[end:]):
        unread += 1
    return Listed(mentions, unread)


def _is_blank(text: str) -> bool:
    """Return whether a text between items says nothing."""
    return not text.strip(" \n.")
