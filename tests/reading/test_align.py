"""Alignment of words: common subsequences as long as the table of all pairs finds, and what stands
in between."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quadratic import quadratic
from spacy_genner.reading import align as module
from spacy_genner.reading.align import Matches, align, bitwise, common, increasing

Match = Callable[[list[str], list[str]], Matches]
texts = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.sampled_from("abcdefghijkl"[:n]), max_size=25)
)


def size(matches: Matches) -> int:
    return sum(at is not None for at in matches)


def check_common(matches: Matches, written: list[str], source: list[str]) -> None:
    found = [(i, j) for i, j in enumerate(matches) if j is not None]
    assert len(matches) == len(written)
    assert all(written[i] == source[j] for i, j in found)
    assert all(before[1] < after[1] for before, after in pairwise(found))


@given(texts, texts)
@pytest.mark.parametrize("match", [common, increasing, bitwise])
def test_a_longest_common_subsequence(match: Match, written: list[str], source: list[str]) -> None:
    matches = match(written, source)
    check_common(matches, written, source)
    assert size(matches) == size(quadratic(written, source))


@given(texts, texts)
def test_the_table_of_all_pairs_finds_a_common_subsequence(
    written: list[str], source: list[str]
) -> None:
    check_common(quadratic(written, source), written, source)


@given(texts, st.data())
def test_a_subsequence_is_found_whole_from_both_sides(
    source: list[str], data: st.DataObject
) -> None:
    part = [word for word in source if data.draw(st.booleans())]
    assert size(common(part, source)) == size(common(source, part)) == len(part)


@pytest.mark.parametrize(
    ("written", "source", "expected"),
    [
        ("", "", []),
        ("", "a b", []),
        ("a b", "", [None, None]),
        ("a b c", "a b c", [0, 1, 2]),
        ("a c", "a b c", [0, 2]),
        ("a x b", "a b", [0, None, 1]),
        ("a b d", "a c b e d", [0, 2, 4]),
        ("x a b y", "a b c", [None, 0, 1, None]),
        (
            "the dog",
            "the cat and the dog",
            [3, 4],
        ),  # next to each other, not from the first "the" on
        ("the cat", "the cat and the dog", [0, 1]),
        ("a b d", "a b c b d", [0, 1, 4]),
    ],
)
def test_common_words(written: str, source: str, expected: Matches) -> None:
    assert common(written.split(), source.split()) == expected


@pytest.mark.parametrize(
    ("written", "source", "expected"),
    [
        ("a x c", "a b c", [0, 1, 2]),
        ("x y", "a b", [0, 1]),
        ("a x y d", "a b d", [0, 1, None, 2]),
        ("a x d", "a b c d", [0, 1, 3]),
        ("sure : x b", "a b", [None, None, 0, 1]),
        ("b x", "a b c d", [1, 2]),
        ("a b x y", "a b c", [0, 1, 2, None]),
        ("", "a", []),
        ("a", "", [None]),
    ],
)
def test_words_between_copies_replace_those_between_the_same(
    written: str, source: str, expected: Matches
) -> None:
    assert align(written.split(), source.split()) == expected


@given(texts, texts)
def test_an_alignment_extends_the_common_words_in_order(
    written: list[str], source: list[str]
) -> None:
    found, copies = align(written, source), common(written, source)
    indices = [j for j in found if j is not None]
    assert indices == sorted(set(indices)) and set(indices) <= set(range(len(source)))
    assert all(at == copy for at, copy in zip(found, copies, strict=True) if copy is not None)


@given(texts, texts)
def test_texts_beyond_the_bound_are_aligned_in_halves(
    written: list[str], source: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_BITS", 16)
        matches = common(written, source)
    check_common(matches, written, source)


def test_repeats_do_not_explode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module, "increasing", None
    )  # it would list 3.2 million pairs of equal words
    words = ["a"] * 2000
    written = [*words[:700], "x", *words[:900], "y", "z"]
    assert size(common(written, [*words, "b"])) == 1600
