"""A copy of the source with a tag after each word: `did(O) george(B-actor) clooney(I-actor)`.

Source: GNER (arXiv 2402.16602), whose models write white space between all words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar

from ..answers import Marked
from ..labels.label_set import Labels
from ..types import GAPS, Entity, Move, Source
from .backslashes import escape, unescape
from .base import Deciding, Refused, expressible, inexpressible_error

_TAG = re.compile(r"\((O|[BI]-(?:\\.|[^()\\]|\((?:\\.|[^()\\])*\))*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BIO:
    """A format that copies the source and says after each token whether an entity begins, goes on,
    or is absent. It expresses flat entities only."""

    max_depth: ClassVar[int] = 1
    names_labels: ClassVar[bool] = True

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return (
            "Copy each word with a tag: word(B-LABEL) where an entity begins, word(I-LABEL) inside "
            "it, else word(O)."
        )

    def marks(self, labels: Labels) -> list[str]:
        """Return the tags of all labels."""
        tags = chain.from_iterable(_tags(labels).values())
        return [_OUTSIDE.text, *(tag.text for tag in tags)]

    def grammar(self, source: Source, labels: Labels) -> "BIOGrammar":
        """Return the grammar of the tagged copies of a source."""
        return BIOGrammar(source, labels)

    def read(self, text: str) -> Marked:
        """Read a tagged copy that a model wrote without constraints, however broken it is."""
        return read_bio(text)


_OUTSIDE = Move("outside", "(O)")


def _tags(labels: Labels) -> dict[str, tuple[Move, Move]]:
    """Return the tags that begin and continue an entity, for each label."""
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
        copied: Whether the token that takes the next tag is already written.
        label: The label of the entity that the next token may continue, if any.
    """

    position: int = 0
    copied: bool = False
    label: str | None = None


class BIOGrammar:
    """The tagged copies of a source."""

    pivot: ClassVar[str] = "inside"

    def __init__(self, source: Source, labels: Labels) -> None:
        self.start = BIOState()
        # A token without white space before it is written with a space, except for the first one.
        space = GAPS.index(" ")
        spaces = (*source.spaces[:1], *(gap or space for gap in source.spaces[1:]))
        self.source = replace(source, spaces=spaces)
        self._tags = _tags(labels)

    def moves(self, state: BIOState) -> list[Move]:
        """Return the copy of the next token; once it is written, its possible tags."""
        if state.copied:
            tags = [_OUTSIDE]
            starts_sentence = self.source.starts and self.source.starts[state.position]
            if state.label is not None and not starts_sentence:
                tags.append(self._tags[state.label][1])
            return tags + [begin for begin, _ in self._tags.values()]
        return [self._copy(state.position)] if state.position < len(self.source) else []

    def advance(self, state: BIOState, move: Move) -> BIOState:
        """Return the state after a legal move."""
        if state.copied:
            return BIOState(state.position + 1, label=move.label)
        return BIOState(state.position, True, state.label)

    def expressible(self, entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
        """Split entities into the outermost ones with known labels, and the others with the
        reason."""
        return expressible(entities, self._tags, self.source, BIO.max_depth)

    def derive(self, entities: Iterable[Entity]) -> list[Move]:
        """Return the derivation of entities that do not overlap.

        Raises:
            ValueError: If one cannot be expressed: overlapping, duplicate, unknown label, outside
                the source.
        """
        kept, refused = self.expressible(entities)
        if refused:
            raise inexpressible_error(refused)
        tags = [_OUTSIDE] * len(self.source)
        for entity in kept:
            begin, inside = self._tags[entity.label]
            tags[entity.start : entity.end] = [begin, *[inside] * (entity.end - entity.start - 1)]
        moves: list[Move] = []
        for position, tag in enumerate(tags):
            moves += [self._copy(position), tag]
        return moves

    def entities(self, moves: Sequence[Move]) -> list[tuple[Entity, Deciding]]:
        """Return the tagged spans. Each was decided by its own tags, and by the tag after it, which
        could have continued it."""
        found: list[tuple[Entity, Deciding]] = []
        tags = moves[1::2]  # Token n is copied by move 2n and tagged by move 2n + 1
        for start, tag in enumerate(tags):
            if tag.kind != "begin":
                continue
            end = start + 1
            while end < len(tags) and tags[end].kind == "inside":
                end += 1
            taken = list(range(2 * start + 1, 2 * end + 1, 2))
            absent = [2 * end + 1] if end < len(tags) else []
            found.append((Entity(start, end, tag.label or ""), Deciding(taken, absent)))
        return found

    def _copy(self, position: int) -> Move:
        """Return the move that copies a token."""
        return Move("copy", GAPS[self.source.spaces[position]] + self.source.words[position])


def read_bio(text: str) -> Marked:
    """Read `george(B-actor) clooney(I-actor)`.

    The brackets in a label must be balanced or escaped with backslashes. An `I-` tag that continues
    nothing starts an entity. Text after the last tag lies outside all entities.
    """
    spans: list[tuple[int, int, str]] = []
    tagged = _tagged_words(text)
    start = 0  # of the word, in the text without tags
    before = "O"  # the tag of the word before
    for word, tag in tagged:
        end = start + len(word)
        label = tag[2:]
        if tag[0] == "I" and before != "O" and label == before[2:]:
            entity_start, _, _ = spans.pop()
            spans.append((entity_start, end, unescape(label)))
        elif tag != "O":
            spans.append((start, end, unescape(label)))
        start = end + 1
        before = tag
    return Marked(" ".join(word for word, _ in tagged), spans, spaced=True)


def _tagged_words(text: str) -> list[tuple[str, str]]:
    """Return the words of a tagged copy, each with its tag."""
    tagged: list[tuple[str, str]] = []
    end = 0
    for mark in _TAG.finditer(text):
        word = text[end : mark.start()]
        if not word and tagged:
            # In `x(O)(B-gene)`, the first tag belongs to the word "x(O)".
            word, tag = tagged.pop()
            word += f"({tag})"
        if word.strip():
            tagged.append((word.strip(), mark[1]))
            end = mark.end()
    tagged.append((text[end:], "O"))
    return tagged
