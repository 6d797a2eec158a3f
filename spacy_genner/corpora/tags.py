"""From tag sequences (IOB1, IOB2, BIOES under all its names) to entities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache

from ..types import Entity


class Scheme(str, Enum):
    """How tags mark where an entity starts and ends.

    Attributes:
        iob1: `I-`; `B-` only where an entity directly follows another of the same label.
        iob2: `B-` at the start of each entity, then `I-`.
        bioes: as iob2, but `E-` (or `L-`) at the end, and `S-` (or `U-`) for a single token.
    """

    iob1 = "iob1"
    iob2 = "iob2"
    bioes = "bioes"


_VALID = {Scheme.iob1: "[BI]I*", Scheme.iob2: "BI*", Scheme.bioes: "S|BI*E"}
_PREFIXES = {"B": "B", "I": "I", "E": "E", "L": "E", "S": "S", "U": "S"}

Tag = tuple[str, str]
"""A prefix (O, B, I, E or S) and a label (empty for O)."""

Chunk = tuple[Entity, str]
"""An entity of a tag sequence, and the prefixes of its tags."""


@cache
def parse_tag(text: str) -> Tag:
    """Parse a tag: `O`, or a prefix, a hyphen and a label.

    Raises:
        ValueError: If the text is anything else.
    """
    if text == "O":
        return "O", ""
    prefix, _, label = text.partition("-")
    if prefix not in _PREFIXES or not label.strip():
        raise ValueError(
            f"{text!r} is not a tag: expected O, or one of B I E S L U with a hyphen and a label "
            "(B-ORG)"
        )
    return _PREFIXES[prefix], label


def chunks(tags: Iterable[Tag]) -> list[Chunk]:
    """Return the entities of a tag sequence of any scheme.

    Sequences that their scheme forbids are read as well, in the way of the script conlleval (Tjong
    Kim Sang and Buchholz, 2000): an entity starts at B and S, after O, E and S, and where the label
    changes.
    """
    result: list[Chunk] = []
    before = ("O", "")
    for at, (prefix, label) in enumerate(tags):
        if prefix in ("B", "S") or (
            prefix != "O" and (before[0] in ("O", "E", "S") or before[1] != label)
        ):
            result.append((Entity(at, at + 1, label), prefix))
        elif prefix != "O":
            entity, prefixes = result[-1]
            result[-1] = Entity(entity.start, at + 1, label), prefixes + prefix
        before = prefix, label
    return result


def is_valid(chunk: Chunk, scheme: Scheme) -> bool:
    """Return whether the scheme writes an entity with these prefixes."""
    return re.fullmatch(_VALID[scheme], chunk[1]) is not None


def detect(sequences: Iterable[Sequence[Chunk]]) -> Scheme:
    """Detect the scheme in which the sequences of a corpus are written.

    It is bioes if E or S occurs. It is iob1 if some entity starts with I, and B occurs only where
    an entity directly follows another of the same label. Else it is iob2.
    """
    starts_with_i = needless_b = False
    for sequence in sequences:
        previous = Entity(0, 0, "")
        for entity, prefixes in sequence:
            if set(prefixes) & {"E", "S"}:
                return Scheme.bioes
            follows = (previous.end, previous.label) == (entity.start, entity.label)
            if prefixes[0] == "I":
                starts_with_i = True
            elif not follows:
                needless_b = True
            previous = entity
    return Scheme.iob1 if starts_with_i and not needless_b else Scheme.iob2
