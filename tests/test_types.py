from __future__ import annotations

import pytest

from spacy_genner.types import Entity, Source


def test_a_source_needs_a_space_for_each_word() -> None:
    with pytest.raises(ValueError, match="2 words but 1 spaces"):
        Source(("a", "b"), (True,))


@pytest.mark.parametrize("word", ["", " ", "\n", "\u3000", " \t"])
def test_white_space_is_no_word(word: str) -> None:
    with pytest.raises(ValueError, match="only white space"):
        Source(("a", word), (False, False))


@pytest.mark.parametrize("word", ["\u200b", "\x00", "\u0301", " a"])
def test_what_cannot_be_seen_may_be_a_word(word: str) -> None:
    assert len(Source((word,), (False,))) == 1


def test_a_part_of_a_source_is_a_source() -> None:
    source = Source(("a", "b", "c"), (False, True, False))
    assert source[1:3] == Source(("b", "c"), (True, False))
    assert source[3:] == Source((), ()) and len(source[3:]) == 0


def test_sources_are_values() -> None:
    one, two = Source(("a",), (True,)), Source(("a",), (True,))
    assert one == two and hash(one) == hash(two) and one != Source(("a",), (False,))


def test_entities_are_the_same_whatever_their_scores() -> None:
    assert (
        Entity(0, 1, "A", 0.3) == Entity(0, 1, "A")
        and len({Entity(0, 1, "A", 0.3), Entity(0, 1, "A")}) == 1
    )
    assert Entity(0, 1, "A") != Entity(0, 1, "B")


def test_entities_are_ordered_by_place_and_then_label() -> None:
    ordered = [
        Entity(0, 1, "B", 0.1),
        Entity(0, 2, "A"),
        Entity(1, 2, "A", 0.9),
        Entity(1, 2, "B", 0.2),
    ]
    assert sorted(reversed(ordered)) == ordered


def test_a_shifted_entity_keeps_its_label_and_score() -> None:
    shifted = Entity(1, 3, "A", 0.25).shifted(4)
    assert shifted == Entity(5, 7, "A") and shifted.score == 0.25
    assert shifted.shifted(-4) == Entity(1, 3, "A")
