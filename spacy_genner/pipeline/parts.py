"""Documents in the parts that a model reads: a window each, with the labels to ask for."""

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
"""Texts → the entities of each; None where their answer outgrows the positions of the model."""
MakeRoom: TypeAlias = Callable[[Source, Labels], Room]
"""What a window of a source can hold if these labels are asked for."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a document.

    Attributes:
        labels: Those to ask for.
        windows: Where they are.
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
        """What the model is asked about a part."""
        start, end = window
        return self.read.source[start:end], self.labels

    def halves(self, window: Window) -> list[Window]:
        """The parts of a part that was too long to be answered.

        Raises:
            ValueError: If it is a single token.
        """
        start, end = window
        if end - start == 1:
            word, labels = self.read.source.words[start], ", ".join(self.labels)
            raise ValueError(
                "the language model has too few positions for the prompt with the labels "
                f"{labels}, the token {word!r} "
                "and the answer: ask for fewer labels, shorten their definitions, or take a model "
                "with more positions"
            )
        return split(
            self.read.source,
            Room((end - start + 1) // 2),
            self.read.sentences,
            self.read.lines,
            window,
        )


def find_all(parts: Sequence[Parts], find: Find) -> list[dict[Window, list[Entity]]]:
    """The entities of all parts of documents, by their windows, in order. Parts whose answers
    outgrow the positions of the model are halved.

    Raises:
        ValueError: If a single token is too long.
    """
    found: list[dict[Window, list[Entity]]] = [{} for _ in parts]
    pending = [(n, window) for n, part in enumerate(parts) for window in part.windows]
    while pending:
        answers = find([parts[n].asked(window) for n, window in pending])
        halves = list[tuple[int, Window]]()
        for (n, window), entities in zip(pending, answers, strict=True):
            if entities is None:
                halves += [(n, half) for half in parts[n].halves(window)]
            else:
                found[n][window] = entities
        pending = halves
    return [{window: by_window[window] for window in covering(by_window)} for by_window in found]
