"""Every word with a tag: `did(O) george(B-actor) clooney(I-actor)`.

Source: GNER (arXiv 2402.16602), whose models write white space between all words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..answers import Marked
from ..labels.label_set import Labels
from ..types import GAPS, Entity, Move, Source
from .backslashes import escape, unescape
from .base import Deciding, Refused, expressible, inexpressible_error

_TAG = re.compile(r"\((O|[BI]-(?:\\.|[^()\\]|\((?:\\.|[^()\\])*\))*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BIO:
    """Copies the source and says behind each token whether an entity begins, goes on, or is absent.
    Flat only."""

    max_depth: ClassVar[int] = 1

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return (
            "Copy each word with a tag: word(B-LABEL) where an entity begins, word(I-LABEL) inside "
            "it, else word(O)."
        )

    def marks(self, labels: Labels) -> list[str]:
        """The tags of every label."""
        return [
            move.text
            for move in (_OUTSIDE, *(tag for pair in _tags(labels).values() for tag in pair))
        ]

    def grammar(self, source: Source, labels: Labels) -> "BIOGrammar":
        """The grammar of the tagged copies of a source."""
        return BIOGrammar(source, labels)

    def read(self, text: str) -> Marked:
        """What an answer says that was written freely, however broken it is."""
        return read_bio(text)


_OUTSIDE = Move("outside", "(O)")


def _tags(labels: Labels) -> dict[str, tuple[Move, Move]]:
    names = {label: escape(label, "()") for label in labels}
    return {
        label: (Move("begin", f"(B-{name})", label), Move("inside", f"(I-{name})", label))
        for label, name in names.items()
    }


@dataclass(frozen=True, slots=True)
class BIOState:
    """A place in the copy.

    Attributes:
        position: The number of tags written.
        copied: Whether the token that is to be tagged next is written.
        label: The label of the entity that may go on.
    """

    position: int = 0
    copied: bool = False
    label: str | None = None


class BIOGrammar:
    """The tagged copies of a source."""

    pivot: ClassVar[str] = "inside"

    def __init__(self, source: Source, labels: Labels) -> None:
        self.start = BIOState()
        self.source = replace(
            source, spaces=(*source.spaces[:1], *(space or True for space in source.spaces[1:]))
        )
        self._tags = _tags(labels)

    def moves(self, state: BIOState) -> list[Move]:
        """Copy the next token; then one of its tags."""
        if state.copied:
            starts = self.source.starts and self.source.starts[state.position]
            inside = [self._tags[state.label][1]] if state.label is not None and not starts else []
            return [_OUTSIDE, *inside, *(begin for begin, _ in self._tags.values())]
        if state.position == len(self.source):
            return []
        return [
            Move(
                "copy", GAPS[self.source.spaces[state.position]] + self.source.words[state.position]
            )
        ]

    def advance(self, state: BIOState, move: Move) -> BIOState:
        """The state after a legal move."""
        if state.copied:
            return BIOState(state.position + 1, label=move.label)
        return BIOState(state.position, True, state.label)

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """The outermost ones of known labels, and the others with the reason."""
        return expressible(entities, self._tags, self.source, BIO.max_depth)

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """The tags of entities that do not overlap.

        Raises:
            ValueError: If they cannot be said: overlapping, duplicate, unknown label, outside the
                source.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        tags = [_OUTSIDE] * len(self.source)
        for entity in kept:
            begin, inside = self._tags[entity.label]
            tags[entity.start : entity.end] = [begin, *[inside] * (entity.end - entity.start - 1)]
        copies = [move for position in range(len(tags)) for move in self.moves(BIOState(position))]
        return [move for pair in zip(copies, tags, strict=True) for move in pair]

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """The tagged spans, each with its tags, and the next one, which might have continued it."""
        found, tags = list[tuple[Entity, Deciding]](), moves[1::2]
        for start, tag in enumerate(tags):
            if tag.kind == "begin":
                others = (end for end in range(start + 1, len(tags)) if tags[end].kind != "inside")
                end = next(others, len(tags))
                deciding = [2 * position + 1 for position in range(start, min(end + 1, len(tags)))]
                own = end - start
                found.append(
                    (Entity(start, end, tag.label or ""), Deciding(deciding[:own], deciding[own:]))
                )
        return found


def read_bio(text: str) -> Marked:
    """`george(B-actor) clooney(I-actor)`. The brackets of a label are balanced, or behind
    backslashes.

    A tag without a word before it makes the tag before it a part of the word. An `I-` that
    continues nothing starts an entity. What comes after the last tag is outside of all.
    """
    tagged, end = list[tuple[str, str]](), 0
    for mark in _TAG.finditer(text):
        word = text[end : mark.start()]
        if not word and tagged:
            word, tag = tagged.pop()
            word += f"({tag})"
        if word.strip():
            tagged.append((word.strip(), mark[1]))
            end = mark.end()
    tagged.append((text[end:], "O"))
    spans, start, before = list[tuple[int, int, str]](), 0, "O"
    for word, tag in tagged:
        label, first = tag[2:], start
        if tag[0] == "I" and before != "O" and label == before[2:]:
            first = spans.pop()[0]
        if tag != "O":
            spans.append((first, start + len(word), unescape(label)))
        start, before = start + len(word) + 1, tag
    return Marked(" ".join(word for word, _ in tagged), spans, spaced=True)
