from __future__ import annotations

import pytest

from spacy_genner.answers import Listed, Mention
from spacy_genner.formats.typed_list import TypedList, read_typed_list
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity
from tests.formats.examples import ESSEX, LABELS, legal_texts, source_of, written


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("He went", [], "."),
        ("He works for Essex Police~.", ESSEX, "ORG: Essex Police; GPE: Essex;."),
        ("a; b \\~.", [Entity(0, 4, "PER")], "PER: a\\; b \\\\.;."),
        ("x", [Entity(0, 1, "GPE"), Entity(0, 1, "PER")], "PER: x; GPE: x;."),
    ],
)
def test_derivations_are_written_like_this(
    text: str, entities: list[Entity], expected: str
) -> None:
    assert written(TypedList(), text, entities) == expected


def test_delimiters_in_labels_are_escaped() -> None:
    assert (
        written(TypedList(), "x", [Entity(0, 1, ".a:b;\\")], as_labels([".a:b;\\"]))
        == "\\.a\\:b\\;\\\\: x;."
    )


def test_new_is_no_beginning_of_newark() -> None:
    labels = as_labels(["GPE"])
    assert legal_texts(TypedList(1), "New Newark New~ark", "GPE:", labels=labels) == [
        " New;",
        " New Newark;",
        " New Newark New;",
        " New Newark Newark;",
        " Newark;",
        " Newark New;",
        " Newark Newark;",
        " ark;",
    ]


def test_what_was_said_is_not_said_again_nor_crossed() -> None:
    labels = as_labels(["A", "B"])
    assert legal_texts(TypedList(), "x y z", labels=labels) == [".", "A:", "B:"]
    assert legal_texts(TypedList(), "x y z", "A:", " x y;", " A:", labels=labels) == [
        " x;",
        " y;",
        " z;",
    ]
    assert legal_texts(TypedList(), "x y z", "A:", " x y;", " B:", labels=labels) == [
        " x;",
        " x y;",
        " y;",
        " z;",
    ]
    assert legal_texts(TypedList(1), "x y z", "A:", " x y;", " B:", labels=labels) == [" z;"]
    assert legal_texts(TypedList(), "x", "B:", " x;", labels=labels) == ["."]
    assert legal_texts(TypedList(), "x", "A:", " x;", labels=labels) == [".", " B:"]


def test_a_text_is_meant_after_the_entity_before() -> None:
    grammar = TypedList().grammar(source_of("Paris or London or Paris"), LABELS)
    second = [Entity(2, 3, "GPE"), Entity(4, 5, "GPE")]
    assert grammar.expressible(second) == (second, [])
    alone = [Entity(4, 5, "GPE")]
    assert grammar.expressible(alone) == (
        [Entity(0, 1, "GPE")],
        [(alone[0], "at another place of the same text")],
    )
    with pytest.raises(
        ValueError, match=r"no derivation for .*start=4.*at another place of the same text"
    ):
        grammar.derive(alone)


def test_what_is_said_in_the_place_of_another_is_said() -> None:
    first, second, third = (Entity(at, at + 1, "GPE") for at in (0, 2, 4))
    grammar = TypedList().grammar(source_of("Paris or Paris or Paris"), LABELS)
    assert grammar.expressible([second, third]) == (
        [first, second],
        [(third, "at another place of the same text")],
    )


def test_moves_that_decide_spans() -> None:
    """Label and text; that the list goes on is said by the label."""
    grammar = TypedList().grammar(source_of("He works for Essex Police~."), LABELS)
    assert grammar.entities(grammar.derive(ESSEX)) == [
        (ESSEX[1], ([2, 3], [])),
        (ESSEX[0], ([0, 1], [])),
    ]


ESSEX_ORG, LEEDS = Mention("Essex", "ORG"), Mention("Leeds", "GPE")


@pytest.mark.parametrize(
    ("text", "mentions", "unread"),
    [
        ("ORG: Essex; GPE: Leeds;.", [ESSEX_ORG, LEEDS], 0),
        (".", [], 0),
        ("", [], 0),
        ("A\\:B\\.: x\\; y\\\\ z: w.;.", [Mention("x; y\\ z: w.", "A:B.")], 0),
        ("ORG: Essex; GPE: Leeds", [ESSEX_ORG, LEEDS], 0),
        ("ORG: Essex; GPE: Leeds.\n", [ESSEX_ORG, LEEDS], 0),
        ("ORG: Essex; Police; GPE: Leeds;.", [ESSEX_ORG, LEEDS], 1),
        ("ORG: Essex; GP", [ESSEX_ORG], 1),
        ("Sure:\nORG: Essex;.", [Mention("Essex", "\nORG")], 1),
        ("There is none.", [], 1),
        ("ORG: Essex\\", [Mention("Essex\\", "ORG")], 0),
    ],
)
def test_a_free_answer_is_read(text: str, mentions: list[Mention], unread: int) -> None:
    assert read_typed_list(text) == Listed(mentions, unread)
