from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.evaluation.other_formats import all_formats, delimiters, described, read_by
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.inline_xml import InlineXML
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from tests.evaluation.answering import GOLDS, asked, probed
from tests.formats.table import TYPES


def test_all_formats_are_there_once() -> None:
    formats = list(all_formats())
    assert sorted(map(type, formats), key=str) == sorted([*TYPES, InlineBracketed], key=str)


@pytest.mark.parametrize("writes", list(all_formats()), ids=described)
@pytest.mark.parametrize("format", [InlineXML(), OccurrenceJSON()], ids=described)
def test_a_free_answer_is_read_in_the_format_that_it_has(format: Any, writes: Any) -> None:
    answers = asked(format, writes)
    assert probed(answers, format).best_format == writes
    assert [read_by(writes, answer) for answer in answers] == [(gold, True) for _, gold in GOLDS]


def test_labels_that_nobody_asked_for_are_read_as_well() -> None:
    answers = asked(InlineBracketed(), InlineXML(), {"PER": "person", "ORG": "a company"})
    found = [read_by(InlineXML(), answer)[0] for answer in answers]
    assert [e.label for e in found[1]] == ["person", "GPE"] and found[0][0].label == "a company"


@pytest.mark.parametrize(
    "writes",
    [
        InlineBracketed(),
        InlineBracketed(label_first=True),
        InlineBracketed(separator="](", closing=")"),
        InlineBracketed(opening="<", separator="|", closing=">"),
        InlineBracketed(label_first=True, opening="<<", separator=">>", closing="<</>>"),
        InlineBracketed(opening="@@", separator="##(", closing=")"),
    ],
    ids=described,
)
def test_the_delimiters_around_gold_entities_are_found(writes: InlineBracketed) -> None:
    words = {"PER": "a person", "ORG": "company"}
    found = delimiters(asked(InlineXML(), writes, words))
    assert found is not None
    assert [found.marks({"X": ""}), found.label_first] == [
        writes.marks({"X": ""}),
        writes.label_first,
    ]


def test_marks_that_are_no_delimiters_are_none() -> None:
    assert delimiters(asked(InlineBracketed(), InlineXML())) is None
    assert delimiters([]) is None
    plain = [text.replace("~", "") for text, _ in GOLDS]
    answers = asked(InlineBracketed(), InlineBracketed())
    for answer, text in zip(answers, plain, strict=True):
        object.__setattr__(answer, "written", text)
    assert delimiters(answers) is None, "a plain copy has nothing around its entities"


def test_only_settings_that_differ_from_the_defaults_are_named() -> None:
    assert described(InlineXML()) == "spacy_genner.InlineXML.v1"
    format = InlineBracketed(max_depth=1, separator="](", label_first=True)
    assert (
        described(format)
        == 'spacy_genner.InlineBracketed.v1 with max_depth = 1, label_first = true, separator = "]("'
    )
