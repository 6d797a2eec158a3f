"""A list of types and texts: `ORG: Essex Police; GPE: Essex;.`

Source: iNERD (arXiv 2308.07791), which writes type, separator, text, separator.
"""

import re
from dataclasses import dataclass

from ..answers import Listed
from ..labels import Labels
from ..types import Entity, Move, Source
from .lists import ListGrammar, State
from .mentions import Mentions
from .nested import Nested
from .read_listed import read_typed_list

_DELIMITER = re.compile(r"[\\;]")
_LABEL_DELIMITER = re.compile(r"[\\:;.]")
_ESCAPED = r"\\\g<0>"
_FINISH = Move("finish", ".")


@dataclass(frozen=True, slots=True)
class TypedList(Nested):
    """Lists the entities, each as its label and its text. Of several places of a text the first is meant that comes
    behind the entity before.

    max_depth: How many spans may lie around one another, the innermost counted.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return "List the entities in the order of the text, each as LABEL: entity; and end the list with a full stop."

    def marks(self, labels: Labels) -> list[str]:
        """The labels, with and without a space before them, and what ends a text and a list."""
        return [_FINISH.text, ";", *(move.text for move in _label_moves("", labels) + _label_moves(" ", labels))]

    def grammar(self, source: Source, labels: Labels) -> "TypedListGrammar":
        """The grammar of the lists of entities of a source."""
        return TypedListGrammar(source, labels, self.max_depth)

    def read(self, text: str) -> Listed:
        """What an answer says that was written freely, however broken it is."""
        return read_typed_list(text)


def escape_text(word: str) -> str:
    """A token as it is written in a text."""
    return _DELIMITER.sub(_ESCAPED, word)


def _label_moves(space: str, labels: Labels) -> list[Move]:
    return [Move("label", f"{space}{_LABEL_DELIMITER.sub(_ESCAPED, label)}:", label) for label in labels]


class TypedListGrammar(ListGrammar):
    """Label, text; label, text; …"""

    opening, closing = " ", ";"

    def __init__(self, source: Source, labels: Labels, max_depth: int) -> None:
        super().__init__(source, labels, max_depth, escape_text)
        self._label_moves = [_label_moves("", labels), _label_moves(" ", labels)]

    def moves(self, state: State) -> list[Move] | Mentions:
        """Finish, or a label; then a text."""
        if state.part == "item":
            left = len(self.labels_left(state.found))
            return [_FINISH, *self._label_moves[bool(state.found)][len(self.labels) - left :]]
        return self.mentions(state) if state.part == "mention" else []

    def advance(self, state: State, move: Move) -> State:
        """The state after a legal move."""
        if move.kind == "finish":
            return State(state.found, "end")
        if move.kind == "label":
            return State(state.found, "mention", move.label)
        return State(self.placed(state, self.text(move)))

    def toward(self, state: State, entity: Entity | None) -> Move:
        """The legal move that leads to the next entity, or to the end."""
        if entity and state.part == "mention":
            return self.mentions(state).move(entity.start, entity.end)
        return next(move for move in self.moves(state) if move.label == (entity and entity.label))
