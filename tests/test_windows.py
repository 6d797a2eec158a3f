from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.types import Entity, Source
from spacy_genner.windows import inside, merge, split
from tests.strategies import nested, sources

TOKENS = st.sampled_from(["word", ".", "?", "。", "(", "।"])


def source_of(words: list[str]) -> Source:
    return Source(tuple(words), (True,) * len(words))


many_sources = st.lists(TOKENS, max_size=60).map(source_of)
sizes = st.integers(1, 12)


@st.composite
def sentence_starts(draw: st.DrawFn, source: Source) -> list[int] | None:
    """Known or not; also behind the last token, where white space may be a sentence of its own."""
    return draw(st.none() | st.lists(st.integers(0, len(source)), max_size=10))


@given(st.data())
def test_windows_leave_nothing_out_and_are_no_longer_than_they_may(data: st.DataObject) -> None:
    source, size = data.draw(many_sources), data.draw(sizes)
    windows = split(source, size, data.draw(sentence_starts(source)))
    assert [i for start, end in windows for i in range(start, end)] == list(range(len(source)))
    assert all(1 <= end - start <= size for start, end in windows)


@given(st.data())
def test_a_sentence_that_fits_is_not_cut(data: st.DataObject) -> None:
    source, size = data.draw(many_sources), data.draw(sizes)
    starts = data.draw(st.lists(st.integers(0, len(source)), max_size=10))
    windows = split(source, size, starts)
    bounds = sorted({0, *starts, len(source)})
    for start, end in pairwise(bounds):
        if end - start <= size:
            assert any(first <= start and end <= last for first, last in windows)


@given(st.data())
def test_windows_are_as_long_as_they_can_be(data: st.DataObject) -> None:
    """One more sentence, or the whole next window, would be too much."""
    source, size = data.draw(many_sources), data.draw(sizes)
    starts = data.draw(st.lists(st.integers(0, len(source)), max_size=10))
    for (start, cut), (_, end) in pairwise(split(source, size, starts)):
        next_bound = min(bound for bound in {*starts, len(source), end} if bound > cut)
        assert next_bound - start > size


@pytest.mark.parametrize(
    ("text", "size", "windows"),
    [
        ("", 3, []),
        ("a", 1, [(0, 1)]),
        ("a b .", 3, [(0, 3)]),
        ("a . b . c .", 4, [(0, 4), (4, 6)]),
        ("a . b . c .", 3, [(0, 2), (2, 4), (4, 6)]),
        ("a b c d e", 2, [(0, 2), (2, 4), (4, 5)]),
        ("a . b c d e . f", 4, [(0, 2), (2, 6), (6, 8)]),
        ("a b c d e . f .", 4, [(0, 4), (4, 8)]),
        ("東 京 。 に 。", 3, [(0, 3), (3, 5)]),
        ("U.S. a b c", 2, [(0, 2), (2, 4)]),
    ],
)
def test_windows_end_where_sentences_end(text: str, size: int, windows: list[tuple[int, int]]) -> None:
    assert split(source_of(text.split()), size) == windows


def test_known_sentences_count_more_than_full_stops() -> None:
    source = source_of(["Mr", ".", "Lee", "left", "He", "slept"])
    assert split(source, 4, [0, 4]) == [(0, 4), (4, 6)]
    assert split(source, 4, [4, 0, 4, 6]) == [(0, 4), (4, 6)]
    assert split(source, 4, []) == [(0, 4), (4, 6)]
    assert split(source, 4) == [(0, 2), (2, 6)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_window_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"window = {size}: a window holds at least one token"):
        split(source_of(["a"]), size)


@given(st.data())
def test_entities_inside_windows_come_back_and_the_others_are_reported(data: st.DataObject) -> None:
    source = data.draw(sources())
    windows = split(source, data.draw(sizes), data.draw(sentence_starts(source)))
    entities = data.draw(nested(source, {"A": "", "B": ""}, 4))
    kept, crossing = inside(entities, windows)
    assert all(
        0 <= e.start < e.end <= end - start for found, (start, end) in zip(kept, windows, strict=True) for e in found
    )
    cuts = {end for _, end in windows}
    assert sorted(crossing) == sorted(e for e in entities if any(e.start < cut < e.end for cut in cuts))
    assert sorted(merge(kept, windows) + crossing) == sorted(entities)


def test_entities_keep_their_scores_and_their_order() -> None:
    entities = [Entity(4, 6, "B", 0.5), Entity(4, 5, "A", 0.25), Entity(1, 5, "A", 0.75), Entity(0, 1, "A", 0.125)]
    kept, crossing = inside(entities, [(0, 4), (4, 8)])
    assert kept == [[Entity(0, 1, "A")], [Entity(0, 2, "B"), Entity(0, 1, "A")]]
    merged = merge(kept, [(0, 4), (4, 8)])
    assert merged == [entities[3], entities[0], entities[1]]
    assert [e.score for e in merged] == [0.125, 0.5, 0.25] and [e.score for e in crossing] == [0.75]


def test_every_window_needs_its_entities() -> None:
    with pytest.raises(ValueError, match="zip"):
        merge([[]], [(0, 4), (4, 8)])


def test_a_very_long_source() -> None:
    windows = split(source_of(["word"] * 100_000), 256)
    assert len(windows) == 391 and windows[-1] == (99_840, 100_000)
    kept, crossing = inside([Entity(i, i + 2, "A") for i in range(99_999)], windows)
    assert (sum(map(len, kept)), len(crossing)) == (99_999 - 390, 390)
