"""A list of types and texts: `ORG: Essex Police; GPE: Essex;.`

Source: iNERD (arXiv 2308.07791), which writes type, separator, text, separator.
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

# A label starts behind a mark or where the text does: else every place in a text without marks
# would be tried.
_ITEM = re.compile(
    r"(?<![^\\:;.])(?:(?<=;) )?((?:[^\\:;.]|\\.)+): ((?:[^\\;]|\\.|\\\Z)*)(;|\Z)", re.DOTALL
)
_FINISH = Move("finish", ".")


@dataclass(frozen=True, slots=True)
class TypedList(Nested):
    """Lists the entities, each as its label and its text. Of several places of a text the first is
    meant that comes behind the entity before.

    Attributes:
        max_depth: How many spans may lie around one another, the innermost counted.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return (
            "List the entities in the order of the text, each as LABEL: entity; and end the list "
            "with a full stop."
        )

    def marks(self, labels: Labels) -> list[str]:
        """The labels, with and without a space before them, and what ends a text and a list."""
        return [
            _FINISH.text,
            ";",
            *(move.text for move in _label_moves("", labels) + _label_moves(" ", labels)),
        ]

    def grammar(self, source: Source, labels: Labels) -> "TypedListGrammar":
        """The grammar of the lists of entities of a source."""
        return TypedListGrammar(source, labels, self.max_depth)

    def read(self, text: str) -> Listed:
        """What an answer says that was written freely, however broken it is."""
        return read_typed_list(text)


def escape_text(word: str) -> str:
    """A token as it is written in a text."""
    return escape(word, ";")


def _label_moves(space: str, labels: Labels) -> list[Move]:
    names = {label: escape(label, ":;.") for label in labels}
    return [Move("label", f"{space}{name}:", label) for label, name in names.items()]


class TypedListGrammar(ListGrammar):
    """Label, text; label, text; …"""

    opening, closing = " ", ";"

    def __init__(self, source: Source, labels: Labels, max_depth: int) -> None:
        super().__init__(source, labels, max_depth, escape_text)
        self._label_moves = [_label_moves("", labels), _label_moves(" ", labels)]

    def moves(self, state: ListState) -> list[Move] | Mentions:
        """Finish, or a label; then a text."""
        if state.part == "item":
            left = len(self.labels_left(state.found))
            return [_FINISH, *self._label_moves[bool(state.found)][len(self.labels) - left :]]
        return self.mentions(state) if state.part == "mention" else []

    def advance(self, state: ListState, move: Move) -> ListState:
        """The state after a legal move."""
        if move.kind == "finish":
            return ListState(state.found, "end")
        if move.kind == "label":
            return ListState(state.found, "mention", move.label)
        return ListState(self.placed(state, self.text(move)))

    def toward(self, state: ListState, entity: Entity | None) -> Move:
        """The legal move that leads to the next entity, or to the end."""
        if entity and state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        return next(move for move in self.moves(state) if move.label == (entity and entity.label))


def read_typed_list(text: str) -> Listed:
    """`ORG: Essex Police; GPE: Essex;.` A backslash before a mark makes it text."""
    mentions, unread, end = list[Mention](), 0, 0
    for item in _ITEM.finditer(text):
        unread += bool(text[end : item.start()].strip(" \n."))
        end = item.end()
        label, name = map(unescape, item.groups()[:2])
        mentions.append(Mention(name if item[3] else name.strip().removesuffix("."), label))
    return Listed(mentions, unread + bool(text[end:].strip(" \n.")))
