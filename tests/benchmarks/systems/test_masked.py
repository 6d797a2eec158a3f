"""What iNERD's rules allow."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.systems.masked import GenerateMasked
from spacy_genner.formats.mentions import Texts
from spacy_genner.formats.typed_list import escape_text
from tests.formats.examples import source_of

SOURCE = Texts(source_of("New York~; Newark"), escape_text)


def masked(labels: bool = True, texts: bool = True) -> Any:
    system = object.__new__(GenerateMasked)
    system._labels, system._texts = labels, texts
    system._marks = [".", "ORG:", "GPE:", " ORG:", " GPE:"]
    return system


@pytest.mark.parametrize(
    ("written", "rests"),
    [
        ("", [".", "ORG:", "GPE:"]),
        ("O", ["RG:"]),
        ("x", []),
        (".", [""]),
        ("ORG: York;", [".", " ORG:", " GPE:"]),
        ("ORG: York; G", ["PE:"]),
        ("ORG:", [" New York\\; Newark", " York\\; Newark", " \\; Newark", " Newark"]),
        ("ORG: New", [" York\\; Newark", "ark", ";"]),
        ("ORG: New Y", ["ork\\; Newark"]),
        ("ORG: York\\; New", ["ark"]),
        ("ORG: York\\; Newark", ["", ";"]),
        ("ORG: London", []),
    ],
)
def test_what_may_follow(written: str, rests: list[str]) -> None:
    assert masked().rests(written, SOURCE) == rests


def test_each_rule_by_itself() -> None:
    assert masked(labels=False).rests("ORG: York; L", SOURCE) is None
    assert masked(labels=False).rests("LOC: York", SOURCE) == ["\\; Newark", ";"]
    assert masked(texts=False).rests("ORG: Lon", SOURCE) is None
    assert masked(texts=False).rests("ORG: London;", SOURCE) == [".", " ORG:", " GPE:"]
