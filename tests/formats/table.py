"""Every output format, with settings that matter: what formats and decoders promise is tested for
each row."""

from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.formats.bio import BIO
from spacy_genner.formats.grouped_json import GroupedJSON
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.inline_xml import InlineXML
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.offset_json import OffsetJSON
from spacy_genner.formats.typed_list import TypedList

FORMATS: list[Any] = [
    InlineBracketed(max_depth=1),
    InlineBracketed(max_depth=2),
    InlineBracketed(max_depth=4),
    InlineBracketed(max_depth=1, label_first=True),
    InlineBracketed(max_depth=2, label_first=True),
    InlineBracketed(max_depth=4, label_first=True),
    InlineXML(max_depth=1),
    InlineXML(max_depth=4),
    BIO(),
    TypedList(max_depth=1),
    TypedList(max_depth=4),
    GroupedJSON(max_depth=1),
    GroupedJSON(max_depth=4),
    OccurrenceJSON(max_depth=1),
    OccurrenceJSON(max_depth=4),
    OffsetJSON(max_depth=1),
    OffsetJSON(max_depth=4),
]
LEARNT = [
    pytest.param(format, marks=pytest.mark.slow) if getattr(format, "max_depth", 4) < 4 else format
    for format in FORMATS
]
"""For tests that train: the shallower ones are slow."""
TELL_NO_PLACES = (TypedList, GroupedJSON)
"""They say a text at its first place where it may be."""
