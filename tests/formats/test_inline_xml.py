from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.inline_xml import InlineXML, read_xml
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity
from tests.formats.examples import ESSEX, check_marked, legal_texts, source_of, written
from tests.strategies import nested


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("He went", [], "He went"),
        ("He works for Essex Police~.", ESSEX, "He works for <ORG><GPE>Essex</GPE> Police</ORG>."),
        ("「~東京~」", [Entity(1, 2, "GPE")], "「<GPE>東京</GPE>」"),
        ("A~B", [Entity(0, 1, "PER"), Entity(1, 2, "ORG")], "<PER>A</PER><ORG>B</ORG>"),
        ("a <b> & </b>", [Entity(1, 3, "ORG")], "a <ORG>&lt;b> &</ORG> &lt;/b>"),
        ("x", [Entity(0, 1, "PER"), Entity(0, 1, "GPE")], "<GPE><PER>x</PER></GPE>"),
    ],
)
def test_derivations_are_written_like_this(
    text: str, entities: list[Entity], expected: str
) -> None:
    assert written(InlineXML(), text, entities) == expected


def test_delimiters_in_labels_are_escaped() -> None:
    labels = as_labels(["a<b>&"])
    assert (
        written(InlineXML(), "x", [Entity(0, 1, "a<b>&")], labels)
        == "<a&lt;b&gt;&amp;>x</a&lt;b&gt;&amp;>"
    )


def test_only_the_innermost_span_can_be_closed() -> None:
    assert legal_texts(
        InlineXML(), "x y", "<ORG>", "<PER>", "x", labels=as_labels(["PER", "ORG"])
    ) == [
        " y",
        " <PER>",
        " <ORG>",
        "</PER>",
    ]


@given(st.data())
def test_a_parser_of_xml_reads_it_back(data: st.DataObject) -> None:
    labels = as_labels(["PER", "ORG"])
    source = source_of(
        data.draw(st.lists(st.sampled_from(["a", "<", "<b>", "é"])).map(" ".join)) or "x"
    )
    entities = data.draw(nested(source, labels, 4))
    moves = InlineXML().grammar(source, labels).derive(entities)
    root, found, at = (
        ElementTree.fromstring("<t>" + "".join(move.text for move in moves) + "</t>"),
        [],
        0,
    )

    def read(element: ElementTree.Element) -> None:
        nonlocal at
        start, at = at, at + len(element.text or "")
        for child in element:
            read(child)
            at += len(child.tail or "")
        found.append((start, at, element.tag))

    read(root)
    assert "".join(root.itertext()) == " ".join(source.words)
    starts = [len(" ".join(source.words[:i])) + (i > 0) for i in range(len(source))]
    ends = [start + len(word) for start, word in zip(starts, source.words, strict=True)]
    assert sorted(found[:-1]) == sorted(
        (starts[e.start], ends[e.end - 1], e.label) for e in entities
    )


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
def test_a_free_answer_is_read(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check_marked(read_xml(text), copy, spans)
