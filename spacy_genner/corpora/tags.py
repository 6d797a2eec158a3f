"""Tag sequences (IOB1, IOB2, BIOES and its other names) → entities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache

from ..types import Entity


class Scheme(str, Enum):
    """How tags mark where an entity starts and ends.

    Attributes:
        iob1: `I-`; `B-` only where an entity follows another of its label at once.
        iob2: `B-` at the start of each entity, then `I-`.
        bioes: as iob2, but `E-` (or `L-`) at the end and `S-` (or `U-`) alone.
    """

    iob1 = "iob1"
    iob2 = "iob2"
    bioes = "bioes"


_VALID = {Scheme.iob1: "[BI]I*", Scheme.iob2: "BI*", Scheme.bioes: "S|BI*E"}
_PREFIXES = {"B": "B", "I": "I", "E": "E", "L": "E", "S": "S", "U": "S"}

Tag = tuple[str, str]
"""Prefix (O, B, I, E or S) and label (empty for O)."""

Chunk = tuple[Entity, str]
"""An entity of a tag sequence and the prefixes of its tags."""


@cache
def parse_tag(text: str) -> Tag:
    """A tag as it is written: `O`, or a prefix, a hyphen and a label.

    Raises:
        ValueError: For anything else.
    """
    if text == "O":
        return "O", ""
    prefix, _, label = text.partition("-")
    if prefix not in _PREFIXES or not label.strip():
        raise ValueError(
            f"{text!r} is no tag: expected O, or one of B I E S L U with a hyphen and a label "
            "(B-ORG)"
        )
    return _PREFIXES[prefix], label


def chunks(tags: Iterable[Tag]) -> list[Chunk]:
    """The entities of a tag sequence of any scheme, also of one that its scheme forbids, as the
    script conlleval (Tjong Kim Sang and Buchholz, 2000) reads them: an entity starts at B and S,
    after O, E and S, and where the label changes.
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
    """Whether the scheme writes an entity like this."""
    return re.fullmatch(_VALID[scheme], chunk[1]) is not None


def detect(sequences: Iterable[Sequence[Chunk]]) -> Scheme:
    """The scheme that the sequences of a corpus are written in.

    bioes if E or S occurs; iob1 if some entity starts with I, and B only stands where an entity
    follows another of its label at once; else iob2.
    """
    inside = apart = False
    for sequence in sequences:
        previous = Entity(0, 0, "")
        for entity, prefixes in sequence:
            if set(prefixes) & {"E", "S"}:
                return Scheme.bioes
            inside |= prefixes[0] == "I"
            apart |= prefixes[0] == "B" and (previous.end, previous.label) != (
                entity.start,
                entity.label,
            )
            previous = entity
    return Scheme.iob1 if inside and not apart else Scheme.iob2
