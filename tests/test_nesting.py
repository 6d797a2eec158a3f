from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.nesting import depths, nest, nest_best, outermost
from spacy_genner.types import Entity

SPANS = st.builds(lambda start, length, label: Entity(start, start + length, label),
                  st.integers(0, 12), st.integers(0, 8), st.sampled_from("AB"))  # fmt: skip
DEPTH = st.none() | st.integers(1, 4)


def crosses(one: Entity, two: Entity) -> bool:
    return one.start < two.start < one.end < two.end or two.start < one.start < two.end < one.end


def contains(outer: Entity, inner: Entity) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def test_of_crossing_spans_the_longer_is_kept() -> None:
    long, short = Entity(2, 6, "A"), Entity(0, 3, "B")
    assert nest([short, long]) == ([long], [(short, "crossing")])


def test_of_crossing_spans_of_one_length_the_earlier_is_kept() -> None:
    early, late = Entity(0, 3, "A"), Entity(2, 5, "B")
    assert nest([late, early]) == ([early], [(late, "crossing")])


def test_a_dropped_span_does_no_harm_to_others() -> None:
    """The middle one loses against the longest, so it may not cost the third one its place."""
    longest, middle, third = Entity(4, 9, "A"), Entity(2, 6, "A"), Entity(0, 3, "A")
    assert nest([third, middle, longest]) == ([third, longest], [(middle, "crossing")])


def test_touching_spans_do_not_cross() -> None:
    spans = [Entity(0, 2, "A"), Entity(2, 4, "A")]
    assert nest(spans) == (spans, [])


def test_one_extent_may_have_two_labels_in_order_of_appearance() -> None:
    spans = [Entity(0, 2, "B"), Entity(0, 2, "A"), Entity(0, 2, "B")]
    assert nest(spans) == (spans[:2], [(spans[2], "duplicate")])
    assert nest(spans, max_depth=1) == (
        spans[:1],
        [(spans[1], "too deep"), (spans[2], "duplicate")],
    )


def test_scores_do_not_make_spans_different_and_survive() -> None:
    kept, rest = nest([Entity(0, 2, "A", 0.5), Entity(0, 2, "A", 0.9)])
    assert kept[0].score == 0.5 and rest[0][0].score == 0.9 and rest[0][1] == "duplicate"


def test_the_innermost_are_too_deep() -> None:
    spans = [
        Entity(0, 9, "A"),
        Entity(0, 6, "A"),
        Entity(1, 3, "A"),
        Entity(4, 5, "A"),
        Entity(7, 8, "A"),
    ]
    kept, rest = nest(spans, max_depth=2)
    assert kept == [spans[0], spans[1], spans[4]]
    assert rest == [(spans[2], "too deep"), (spans[3], "too deep")]


def test_an_empty_span_is_none() -> None:
    assert nest([Entity(3, 3, "A"), Entity(4, 2, "A")]) == (
        [],
        [(Entity(3, 3, "A"), "empty"), (Entity(4, 2, "A"), "empty")],
    )


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_below_one_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=f"max_depth = {depth}"):
        nest([], depth)


@given(st.lists(SPANS, max_size=25), DEPTH)
def test_every_span_is_kept_or_has_a_true_reason(
    spans: list[Entity], max_depth: int | None
) -> None:
    kept, rest = nest(spans, max_depth)
    assert Counter(kept) + Counter(span for span, _ in rest) == Counter(spans)
    for span, reason in rest:
        around = [other for other in kept if contains(other, span)]
        match reason:
            case "empty":
                assert span.start >= span.end
            case "duplicate":
                assert Counter(spans)[span] > 1
            case "crossing":
                assert any(
                    crosses(span, other) and _length(other) >= _length(span) for other in kept
                )
            case "too deep":
                assert max_depth is not None and len(around) >= max_depth
            case _:
                raise AssertionError(reason)


def _length(span: Entity) -> int:
    return span.end - span.start


@given(st.lists(SPANS, max_size=25), DEPTH)
def test_what_is_kept_is_properly_nested_and_in_order(
    spans: list[Entity], max_depth: int | None
) -> None:
    kept, _ = nest(spans, max_depth)
    assert not any(crosses(*pair) for pair in combinations(kept, 2))
    assert len(set(kept)) == len(kept)
    assert kept == sorted(kept, key=lambda span: (span.start, -span.end))
    assert nest(kept, max_depth) == (kept, [])


@given(st.lists(SPANS, max_size=25), DEPTH)
def test_depths_count_the_spans_around(spans: list[Entity], max_depth: int | None) -> None:
    kept, _ = nest(spans, max_depth)
    found = depths(kept)
    for index, span in enumerate(kept):
        before = sum(contains(other, span) for other in kept[:index])
        assert found[index] == before + 1
    assert max_depth is None or max(found, default=1) <= max_depth


@given(st.lists(SPANS, max_size=25))
def test_outermost_spans_cover_the_same_tokens_without_overlap(spans: list[Entity]) -> None:
    kept, _ = nest(spans)
    outer = outermost(kept)
    assert all(one.end <= two.start for one, two in pairwise(outer))
    assert {i for e in outer for i in range(e.start, e.end)} == {
        i for e in kept for i in range(e.start, e.end)
    }


@given(
    st.permutations(
        [
            Entity(0, 9, "A"),
            Entity(0, 3, "A"),
            Entity(2, 5, "A"),
            Entity(4, 9, "B"),
            Entity(6, 7, "B"),
        ]
    )
)
def test_the_order_of_input_changes_nothing_for_different_extents(spans: list[Entity]) -> None:
    assert nest(spans)[0] == [
        Entity(0, 9, "A"),
        Entity(0, 3, "A"),
        Entity(4, 9, "B"),
        Entity(6, 7, "B"),
    ]


def test_many_spans_take_no_quadratic_time() -> None:
    spans = [Entity(2 * i, 2 * i + 1, "A") for i in range(50_000)]
    assert nest([Entity(0, 100_000, "B"), *spans])[1] == []


def test_of_crossing_spans_the_more_probable_is_kept() -> None:
    long, short = Entity(2, 6, "A", 0.4), Entity(0, 3, "B", 0.5)
    assert nest_best([long, short]) == [short]
    assert nest_best([short, Entity(2, 6, "A", 0.6)]) == [Entity(2, 6, "A")]


def test_of_equal_spans_the_more_probable_is_kept() -> None:
    (kept,) = nest_best([Entity(0, 2, "A", 0.4), Entity(0, 2, "A", 0.6), Entity(0, 2, "A", 0.5)])
    assert kept.score == 0.6


def test_of_spans_that_nest_too_deep_the_least_probable_is_left_out() -> None:
    inner, middle, outer = Entity(0, 1, "A", 0.9), Entity(0, 2, "A", 0.3), Entity(0, 3, "A", 0.8)
    assert nest_best([inner, middle, outer], 2) == [inner, outer]
    assert nest_best([inner, middle, outer], 1) == [inner]
    assert nest_best([inner, middle, outer]) == [inner, middle, outer]
    with pytest.raises(ValueError, match="max_depth = 0"):
        nest_best([inner], 0)


@given(st.lists(st.builds(replace, SPANS, score=st.sampled_from([0.25, 0.5, 0.75]))), DEPTH)
def test_what_is_kept_nests_and_whatever_is_left_out_has_no_place_beside_the_better(
    spans: list[Entity], depth: int | None
) -> None:
    kept = nest_best(spans, depth)
    assert kept == sorted(kept)
    assert not nest(kept, depth)[1]
    for span in spans:
        better = [e for e in kept if e.score >= span.score]
        assert span in kept or nest([*better, span], depth)[1]
