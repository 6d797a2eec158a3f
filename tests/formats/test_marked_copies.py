"""Reading copies with marks of any kind."""

from __future__ import annotations

import re

import pytest

from spacy_genner.answers import Marked
from spacy_genner.formats.marked_copies import MarkedCopy, read_marks
from tests.formats.examples import check_marked

LAST = re.compile(r"(?P<open>\()|/(?P<label>\w*)\)")
"""`(Essex/ORG)`"""
FIRST = re.compile(r"(?P<open>\()(?P<label>\w+)=|\)")
"""`(ORG=Essex)`"""


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in (Essex/ORG).", "in Essex.", [("Essex", "ORG")]),
        ("((a/A) b/B)", "a b", [("a", "A"), ("a b", "B")]),
        ("(a (b/B)", "(a b", [("b", "B")]),
        ("a/A) b", "a/A) b", []),
        ("", "", []),
    ],
)
def test_a_closing_mark_closes_the_span_that_was_opened_last(
    text: str, copy: str, spans: list[tuple[str, str]]
) -> None:
    check_marked(read_marks(text, LAST), copy, spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in (ORG=Essex).", "in Essex.", [("Essex", "ORG")]),
        ("(B=(A=a) b)", "a b", [("a", "A"), ("a b", "B")]),
        ("(A=a (b)", "a (b", [("a (b", "A")]),
        ("a) b", "a) b", []),
    ],
)
def test_the_label_may_come_with_the_opening_mark(
    text: str, copy: str, spans: list[tuple[str, str]]
) -> None:
    check_marked(read_marks(text, FIRST), copy, spans)


def test_backslashes_of_labels_are_removed() -> None:
    mark = re.compile(r"(?P<open>\()|/(?P<label>(?:[^\\)]|\\.)*)\)")
    assert read_marks(r"(a\b/A\)\\)", mark) == Marked(r"a\b", [(0, 3, "A)\\")])


def test_spans_are_counted_in_the_copy_without_marks() -> None:
    copy = MarkedCopy()
    copy.write("in ")
    outer = copy.write("<")
    copy.write("New ")
    inner = copy.write("<")
    copy.write("York")
    copy.close(inner, "GPE")
    copy.write(" Times")
    copy.close(outer, "ORG")
    assert copy.marked() == Marked("in New York Times", [(7, 11, "GPE"), (3, 17, "ORG")])
