"""Every output format, with settings that matter: what formats and decoders promise is tested for
each row.

A new format needs a row here, and nothing else in the tests: what they need to know of a format,
such as the characters of its marks, is asked of it below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import pytest

from spacy_genner.answers import Marked
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.grouped_json import GroupedJSON
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.inline_xml import InlineXML
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.offset_json import OffsetJSON
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.labels.label_set import Labels, as_labels
from spacy_genner.types import Source

FORMATS: list[Any] = [
    InlineBracketed(max_depth=1),
    InlineBracketed(max_depth=2),
    InlineBracketed(max_depth=4),
    InlineBracketed(max_depth=1, label_first=True),
    InlineBracketed(max_depth=2, label_first=True),
    InlineBracketed(max_depth=4, label_first=True),
    InlineBracketed(2, separator="](", closing=")"),
    InlineBracketed(2, opening="<", separator="|", closing=">"),
    InlineBracketed(2, label_first=True, opening="<<", separator=">>", closing="<</>>"),
    InlineBracketed(2, opening="@@", separator="##(", closing=" )"),
    InlineBracketed(2, label_first=True, opening="[ ", separator="|", closing="~ ]"),
    InlineXML(max_depth=1),
    InlineXML(max_depth=4),
    BIO(),
    TypedList(max_depth=1),
    TypedList(max_depth=4),
    GroupedJSON(max_depth=1),
    GroupedJSON(max_depth=4),
    OccurrenceJSON(max_depth=1),
    OccurrenceJSON(max_depth=4),
    OccurrenceJSON(2, "entity", "type", True, "occurrence", 0),
    OffsetJSON(max_depth=1),
    OffsetJSON(max_depth=4),
    OffsetJSON(2, "word", "text", True, 'the "start"', "stop"),
]
ONE_LABEL: list[Any] = [
    InlineBracketed(1, opening="@@", closing="##", names_labels=False),
    InlineBracketed(4, names_labels=False),
]
"""Formats that do not name labels, and so serve one at a time."""
EVERY = [*FORMATS, *ONE_LABEL]
TYPES: list[Any] = list(dict.fromkeys(map(type, FORMATS)))
"""The classes of the formats."""
LEARNT = [
    pytest.param(format, marks=pytest.mark.slow) if getattr(format, "max_depth", 4) < 4 else format
    for format in FORMATS
]
"""For tests that train: the shallower ones are slow."""


def asked(format: Any, labels: Iterable[str]) -> Labels:
    """The labels that a format serves together: all of them, or only the first."""
    return as_labels(list(labels) if format.names_labels else list(labels)[:1])


def tells_places(format: Any) -> bool:
    """Whether an answer tells which of several places of a text is meant; otherwise it is the first
    place where the entity may be."""
    return getattr(format.grammar(Source((), ()), {}), "tells_places", True)


def with_depth(format: Any, depth: int) -> Any:
    """The format with another `max_depth`, if that can be set."""
    settings = {field.name for field in fields(format)}
    return replace(format, max_depth=depth) if "max_depth" in settings else format


def copies(*depths: int) -> list[Any]:
    """The formats that copy the source and mark entities in it, with each of these depths."""
    kept = [format for format in EVERY if isinstance(format.read(""), Marked)]
    return list(dict.fromkeys(with_depth(format, depth) for depth in depths for format in kept))


def marks_of(*labels: str) -> list[str]:
    """The marks of all formats for these labels."""
    marks = (mark for format in EVERY for mark in format.marks(asked(format, labels)))
    return list(dict.fromkeys(marks))


def characters_of(marks: list[str]) -> list[str]:
    """The characters of which marks consist, without white space."""
    return sorted({character for mark in marks for character in mark if not character.isspace()})


DELIMITERS = [
    character for character in characters_of(marks_of("LABEL")) if not character.isalnum()
]
"""The characters that formats write between the words of a source, and have to escape in labels."""
CHARACTERS = characters_of([*marks_of("LABEL"), *marks_of(*DELIMITERS)])
"""All characters that a tokenizer needs for the marks of all formats, those of escaped delimiters
included."""
