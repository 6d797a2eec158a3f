"""Documents in the parts that a model reads: windows, with the labels to ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..labels.label_set import Labels
from ..types import Entity, Source
from ..windows import Room, Window, covering, split
from .docs import DocSource

Asked: TypeAlias = tuple[Source, Labels]
"""A text, and the labels to ask for."""
Find: TypeAlias = Callable[[list[Asked]], Iterable[list[Entity] | None]]
"""A function from texts to the entities of each; None for a text whose answer outgrows the
positions of the model."""
MakeRoom: TypeAlias = Callable[[Source, Labels], Room]
"""A function that tells what a window of a source can hold when these labels are asked for."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A document, cut into parts.

    Attributes:
        read: The document as the model sees it.
        labels: The labels to ask for.
        windows: The place of each part in the source, in order.
    """

    read: DocSource
    labels: Labels
    windows: list[Window]

    @classmethod
    def of(cls, read: DocSource, labels: Labels, make_room: MakeRoom) -> Parts:
        """Cut a document into as few parts as there is room for."""
        room = make_room(read.source, labels)
        return cls(read, labels, split(read.source, room, read.sentences, read.lines))

    def asked(self, window: Window) -> Asked:
        """Return what the model is asked about a part."""
        start, end = window
        return self.read.source[start:end], self.labels

    def halves(self, window: Window) -> list[Window]:
        """Cut a part that was too long to be answered.

        Raises:
            ValueError: If it is a single token.
        """
        start, end = window
        if end - start == 1:
            word, labels = self.read.source.words[start], ", ".join(self.labels)
            raise ValueError(
                "the language model has too few positions for the prompt with the labels "
                f"{labels}, the token {word!r} and the answer: ask for fewer labels, shorten "
                "their definitions, or use a model with more positions"
            )
        half = Room((end - start + 1) // 2)
        return split(self.read.source, half, self.read.sentences, self.read.lines, window)


def find_all(parts: Sequence[Parts], find: Find) -> list[dict[Window, list[Entity]]]:
    """Return the entities of all documents: for each document, those of its windows, in order.

    Parts whose answers outgrow the positions of the model are cut in halves, which are asked about
    in another round together.

    Raises:
        ValueError: If the answer to a single token is too long.
    """
    found: list[dict[Window, list[Entity]]] = [{} for _ in parts]
    pending = list[tuple[int, Window]]()  # the number of a document, and a part of it
    for number, part in enumerate(parts):
        pending += [(number, window) for window in part.windows]
    while pending:
        answers = find([parts[number].asked(window) for number, window in pending])
        halves = list[tuple[int, Window]]()
        for (number, window), entities in zip(pending, answers, strict=True):
            if entities is None:
                halves += [(number, half) for half in parts[number].halves(window)]
            else:
                found[number][window] = entities
        pending = halves
    return [_in_order(by_window) for by_window in found]


def _in_order(by_window: dict[Window, list[Entity]]) -> dict[Window, list[Entity]]:
    """Sort by the windows, and leave out those that lie inside another one.

    There are such when two windows overlap, and one of them was cut into small pieces.
    """
    return {window: by_window[window] for window in covering(by_window)}
