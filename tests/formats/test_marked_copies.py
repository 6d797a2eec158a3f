"""Marked copies: faithful ones give back their entities, broken ones as many as they can."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Marked, Repairs
from spacy_genner.formats.bio import read_bio
from spacy_genner.formats.inline_bracketed import read_bracketed
from spacy_genner.formats.inline_xml import read_xml
from spacy_genner.reading.resolve import resolve
from spacy_genner.types import Entity, Source

READERS: list[Callable[[str], Marked]] = [
    read_bracketed,
    lambda text: read_bracketed(text, True),
    read_xml,
    read_bio,
]
NOISE = st.text(st.sampled_from("[]|\\:<>/&;()BIO-ab ")) | st.text()


@pytest.mark.parametrize("read", READERS)
@given(NOISE)
def test_any_text_is_read(read: Callable[[str], Marked], text: str) -> None:
    marked = read(text)
    assert all(0 <= start <= end <= len(marked.text) for start, end, _ in marked.spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in [Essex | ORG].", "in Essex.", [("Essex", "ORG")]),
        ("[Essex|ORG]", "Essex", [("Essex", "ORG")]),
        (
            "[[Essex | GPE] Police | ORG]",
            "Essex Police",
            [("Essex", "GPE"), ("Essex Police", "ORG")],
        ),
        ("[a \\ | X\\|Y]", "a \\", [("a \\", "X|Y")]),
        ("as he [sic] said", "as he [sic] said", []),
        ("[the [sic] man | PER]", "the [sic] man", [("the [sic] man", "PER")]),
        ("Essex | ORG]", "Essex | ORG]", []),
        ("[Leeds | GPE] and [Essex | OR", "Leeds and [Essex | OR", [("Leeds", "GPE")]),
        ("[Leeds and [Essex | GPE]", "[Leeds and Essex", [("Essex", "GPE")]),
        ("[Essex | ]", "Essex", [("Essex", "")]),
        ("C:\\dir \\", "C:\\dir \\", []),
    ],
)
def test_labels_last(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check(read_bracketed(text), copy, spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in [ORG: Essex].", "in Essex.", [("Essex", "ORG")]),
        ("[ORG: [GPE: Essex] Police]", "Essex Police", [("Essex", "GPE"), ("Essex Police", "ORG")]),
        ("[X\\:Y: a \\ b]", "a \\ b", [("a \\ b", "X:Y")]),
        ("[PER: the [sic] man]", "the [sic] man", [("the [sic] man", "PER")]),
        ("[GPE: Leeds] and [ORG: Ess", "Leeds and [ORG: Ess", [("Leeds", "GPE")]),
        ("a[X:b]", "ab", [("b", "X")]),
        ("a | b] c", "a | b] c", []),
    ],
)
def test_labels_first(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check(read_bracketed(text, label_first=True), copy, spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        (
            "<ORG><GPE>Essex</GPE> Police</ORG>",
            "Essex Police",
            [("Essex", "GPE"), ("Essex Police", "ORG")],
        ),
        ("<A&amp;B>x &lt; y</A&amp;B> &amp;", "x &lt; y &amp;", [("x &lt; y", "A&B")]),
        ("a < b & c > d", "a < b & c > d", []),
        ("<A>x <B>y</A> z</B>", "x y z", [("x y", "A"), ("y z", "B")]),
        ("<A>x <A>y</A> z</A>", "x y z", [("y", "A"), ("x y z", "A")]),
        ("</s>x</A>", "</s>x</A>", []),
        ("<A>x</A> <B>y", "x <B>y", [("x", "A")]),
        ("<natural person>x</natural person>", "x", [("x", "natural person")]),
    ],
)
def test_xml(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check(read_xml(text), copy, spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        (
            "did(O) george(B-actor) clooney(I-actor)",
            "did george clooney ",
            [("george clooney", "actor")],
        ),
        ("forces(O).(O)", "forces . ", []),
        ("a(B-X) b(B-X) c(I-Y) d(I-Y)", "a b c d ", [("a", "X"), ("b", "X"), ("c d", "Y")]),
        ("a(O) b(I-X)", "a b ", [("b", "X")]),
        ("f(x)(B-X) ((O) )(O)", "f(x) ( ) ", [("f(x)", "X")]),
        ("(O)(O) x(O)(B-X)", "(O) x(O) ", [("x(O)", "X")]),
        ("a(B-ORG (x))", "a ", [("a", "ORG (x)")]),
        ("a(B-X) b(I-X", "a  b(I-X", [("a", "X")]),
        ("", "", []),
    ],
)
def test_bio(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check(read_bio(text), copy, spans)


def check(marked: Marked, copy: str, spans: list[tuple[str, str]]) -> None:
    assert marked.text == copy
    assert [(marked.text[start:end], label) for start, end, label in marked.spans] == spans


def test_an_answer_cut_off_keeps_what_was_closed() -> None:
    source = Source(("Essex", "Police", "in", "Leeds"), (False, True, True, True))
    found, repairs = resolve(read_bracketed("[Essex Police | ORG] in [Lee"), source, ["ORG", "GPE"])
    assert found == [Entity(0, 2, "ORG")]
    assert repairs == Repairs(substitutions=1, additions=1)
