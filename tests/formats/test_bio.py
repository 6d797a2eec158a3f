from __future__ import annotations

import pytest

from spacy_genner.formats.bio import BIO, read_bio
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Entity, Source
from tests.formats.examples import LABELS, check_marked, legal_texts, source_of, written


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        (
            "did george clooney sing",
            [Entity(1, 3, "PER")],
            "did(O) george(B-PER) clooney(I-PER) sing(O)",
        ),
        ("A~B", [Entity(0, 1, "PER"), Entity(1, 2, "PER")], "A(B-PER) B(B-PER)"),
        ("f(O) (", [Entity(1, 2, "GPE")], "f(O)(O) ((B-GPE)"),
        ("東京~に", [Entity(0, 1, "GPE")], "東京(B-GPE) に(O)"),
    ],
)
def test_derivations_are_written_like_this(
    text: str, entities: list[Entity], expected: str
) -> None:
    assert written(BIO(), text, entities) == expected


@pytest.mark.parametrize(
    ("space", "expected"), [(False, "Leeds(O) won(O)"), (True, " Leeds(O) won(O)")]
)
def test_the_first_word_brings_the_space_that_a_prompt_leaves_to_it(
    space: bool, expected: str
) -> None:
    grammar = BIO().grammar(Source(("Leeds", "won"), (space, False)), LABELS)
    assert "".join(move.text for move in grammar.derive([])) == expected


def test_delimiters_in_labels_are_escaped() -> None:
    assert (
        written(BIO(), "x", [Entity(0, 1, "a(b)\\")], as_labels(["a(b)\\"])) == "x(B-a\\(b\\)\\\\)"
    )


def test_an_entity_goes_on_with_its_own_label_only() -> None:
    begins = ["(B-PER)", "(B-ORG)", "(B-GPE)"]
    assert legal_texts(BIO(), "a b") == ["a"]
    assert legal_texts(BIO(), "a b", "a") == ["(O)", *begins]
    assert legal_texts(BIO(), "a b", "a", "(B-ORG)") == [" b"]
    assert legal_texts(BIO(), "a b", "a", "(B-ORG)", " b") == ["(O)", "(I-ORG)", *begins]
    assert legal_texts(BIO(), "a b", "a", "(O)", " b", "(B-PER)") == []


def test_moves_that_decide_spans() -> None:
    """Their tags, and the one after them that ends them."""
    grammar = BIO().grammar(source_of("a b c d"), LABELS)
    moves = grammar.derive([Entity(0, 2, "PER"), Entity(3, 4, "ORG")])
    assert grammar.entities(moves) == [
        (Entity(0, 2, "PER"), ([1, 3], [5])),
        (Entity(3, 4, "ORG"), ([7], [])),
    ]


def test_nested_entities_cannot_be_said() -> None:
    kept, refused = (
        BIO()
        .grammar(source_of("a b"), LABELS)
        .expressible([Entity(0, 2, "ORG"), Entity(0, 1, "GPE")])
    )
    assert (kept, refused) == ([Entity(0, 2, "ORG")], [(Entity(0, 1, "GPE"), "too deep")])


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
def test_a_free_answer_is_read(text: str, copy: str, spans: list[tuple[str, str]]) -> None:
    check_marked(read_bio(text), copy, spans)
