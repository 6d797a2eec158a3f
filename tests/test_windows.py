from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.types import Entity, Source
from spacy_genner.windows import Room, Window, covering, inside, merge, shares, split
from tests.strategies import nested, sources

TOKENS = st.sampled_from(["word", ".", "?", "。", "(", "।"])
LABELS = {"A": "", "B": ""}


def source_of(words: list[str]) -> Source:
    return Source(tuple(words), (True,) * len(words))


many_sources = st.lists(TOKENS, max_size=60).map(source_of)


@st.composite
def rooms(draw: st.DrawFn, source: Source) -> Room:
    """Of so many tokens, and sometimes of so many token ids."""
    tokens = draw(st.integers(1, 12))
    if draw(st.booleans()):
        return Room(tokens)
    lengths = draw(st.lists(st.integers(1, 5), min_size=len(source), max_size=len(source)))
    return Room(tokens, lengths, draw(st.integers(1, 20)))


@st.composite
def places(draw: st.DrawFn, source: Source) -> list[int]:
    """Also after the last token, where white space may be a sentence or a line of its own."""
    return draw(st.lists(st.integers(0, len(source)), max_size=10))


@st.composite
def cut(draw: st.DrawFn) -> tuple[Source, Room, list[int] | None, list[int], list[Window]]:
    source = draw(many_sources)
    room, sentences, lines = (
        draw(rooms(source)),
        draw(st.none() | places(source)),
        draw(places(source)),
    )
    return source, room, sentences, lines, split(source, room, sentences, lines)


@given(cut())
def test_windows_leave_nothing_out_and_there_is_room_for_each(
    made: tuple[Source, Room, object, object, list[Window]],
) -> None:
    source, room, _, _, windows = made
    assert {i for start, end in windows for i in range(start, end)} == set(range(len(source)))
    assert windows == sorted(windows) and covering(windows) == windows
    assert all(start < end and room.holds((start, end)) for start, end in windows)


@given(cut())
def test_a_sentence_that_fits_is_not_cut(
    made: tuple[Source, Room, list[int] | None, object, list[Window]],
) -> None:
    source, room, sentences, _, windows = made
    if sentences is not None:
        for sentence in pairwise(sorted({0, *sentences, len(source)})):
            assert not room.holds(sentence) or any(
                a <= sentence[0] and sentence[1] <= b for a, b in windows
            )


@given(cut())
def test_windows_overlap_only_inside_lines(
    made: tuple[Source, Room, list[int] | None, list[int], list[Window]],
) -> None:
    _, _, sentences, lines, windows = made
    if sentences is not None:
        known = {*sentences, *lines}
        for (_, end), (start, _) in pairwise(windows):
            assert start == end if end in known else start <= end
            assert known.isdisjoint(range(start + 1, end))


@given(st.data())
def test_windows_are_as_few_as_there_is_room_for(data: st.DataObject) -> None:
    """No window and the one after it would fit into one."""
    source = data.draw(many_sources)
    room, sentences = data.draw(rooms(source)), sorted({0, *data.draw(places(source))})
    pieces = [piece for piece in pairwise([*sentences, len(source)]) if piece[0] < piece[1]]
    if all(map(room.holds, pieces)):
        windows = split(source, room, sentences)
        fewest, begin = 0, 0
        for piece in pieces:
            if not fewest or not room.holds((begin, piece[1])):
                fewest, begin = fewest + 1, piece[0]
        assert len(windows) == fewest


@pytest.mark.parametrize(
    ("text", "size", "windows"),
    [
        ("", 3, []),
        ("a", 1, [(0, 1)]),
        ("a b .", 3, [(0, 3)]),
        ("a . b . c .", 4, [(0, 4), (4, 6)]),
        ("a . b . c .", 3, [(0, 2), (2, 4), (4, 6)]),
        ("a b c d e", 2, [(0, 2), (2, 4), (4, 5)]),
        ("a . b c d e . f", 4, [(0, 2), (2, 5), (5, 7), (7, 8)]),
        ("東 京 。 に 。", 3, [(0, 3), (3, 5)]),
        ("東 京 ！ に ？", 3, [(0, 3), (3, 5)]),
        ("U.S. a b c", 2, [(0, 2), (2, 4)]),
    ],
)
def test_windows_end_where_sentences_end(text: str, size: int, windows: list[Window]) -> None:
    assert split(source_of(text.split()), Room(size)) == windows


def test_known_sentences_count_more_than_full_stops() -> None:
    source = source_of(["Mr", ".", "Lee", "left", "He", "slept"])
    assert split(source, Room(4), [0, 4]) == [(0, 4), (4, 6)]
    assert split(source, Room(4), [4, 0, 4, 6]) == [(0, 4), (4, 6)]
    assert split(source, Room(4)) == [(0, 2), (2, 6)]


@pytest.mark.parametrize(
    ("words", "count"),
    [(10, 1), (256, 1), (257, 2), (512, 3), (700, 4)],
)
def test_a_text_without_any_mark_is_cut_into_equal_parts_that_overlap(
    words: int, count: int
) -> None:
    """257 tokens are not 256 and 1."""
    windows = split(source_of(["word"] * words), Room(256))
    sizes = [end - start for start, end in windows]
    assert len(windows) == count and max(sizes) - min(sizes) <= count
    for (start, end), (following, _) in pairwise(windows):
        assert end - following == (end - start) // 4


def test_sentences_are_spread_evenly() -> None:
    source = source_of(["a", "b", "c", "d", "."] * 52)  # 260 tokens
    assert split(source, Room(256)) == [(0, 130), (130, 260)]


def test_a_list_of_names_is_cut_at_a_line_end() -> None:
    """One word before the window is full there is a line end, and a name goes across its edge."""
    source = source_of(["Ann", "Lee"] * 4)
    assert split(source, Room(5), [0], [0, 2, 4, 6]) == [(0, 4), (4, 8)]


def test_a_window_holds_no_more_ids_than_the_model_has_positions_for() -> None:
    """60 tokens of 90 hexadecimal digits each."""
    room = Room(256, [88] * 60, 800)
    windows = split(source_of(["f0" * 45] * 60), room)
    assert all(88 * (end - start) <= 800 for start, end in windows) and len(windows) == 9


def test_a_word_that_is_too_long_for_any_window_has_one_of_its_own() -> None:
    assert split(source_of(["a", "b" * 100, "c"]), Room(256, [1, 100, 1], 50)) == [
        (0, 1),
        (1, 2),
        (2, 3),
    ]


def test_a_part_is_cut_where_the_whole_would_be() -> None:
    source = source_of(["a", "b", ".", "c", "d", "e", ".", "f", "g", "h"])
    assert split(source, Room(3), within=(3, 10)) == [(3, 5), (5, 7), (7, 10)]
    assert split(source, Room(4), within=(3, 10)) == [(3, 7), (7, 10)]
    assert split(source, Room(4), [0], [5], within=(3, 10)) == [(3, 5), (5, 8), (8, 10)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_window_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"window = {size}: a window holds at least one token"):
        Room(size)


@given(st.data())
def test_entities_inside_windows_come_back_and_the_others_are_reported(data: st.DataObject) -> None:
    source = data.draw(sources())
    windows = split(
        source,
        data.draw(rooms(source)),
        data.draw(st.none() | places(source)),
        data.draw(places(source)),
    )
    entities = data.draw(nested(source, LABELS, 4))
    held, lost = inside(entities, windows)
    for found, (start, end) in zip(held, windows, strict=True):
        assert sorted(e.shifted(start) for e in found) == sorted(
            e for e in entities if start <= e.start < e.end <= end
        )
    assert sorted(lost) == sorted(
        e for e in entities if not any(s <= e.start and e.end <= t for s, t in windows)
    )
    merged, dropped = merge(held, windows)
    assert len(set(merged)) == len(merged) and not {*merged} & {*dropped}
    assert {*merged, *dropped, *lost} == {*entities}
    assert all(
        any(start < e.end and e.start < end for (_, end), (start, _) in pairwise(windows))
        for e in dropped
    )


@given(st.data())
def test_what_no_two_entities_cross_is_merged_whole(data: st.DataObject) -> None:
    """Where windows do not disagree about a cut, nothing is dropped, and nothing comes twice."""
    source = source_of(["word"] * data.draw(st.integers(1, 60)))
    windows = split(source, data.draw(rooms(source)))
    starts = data.draw(st.lists(st.integers(0, len(source) - 1), max_size=20, unique=True))
    entities = [Entity(start, start + 1, "A") for start in sorted(starts)]
    assert merge(inside(entities, windows)[0], windows) == (entities, [])


def test_entities_keep_their_scores_and_their_order() -> None:
    entities = [
        Entity(4, 6, "B", 0.5),
        Entity(4, 5, "A", 0.25),
        Entity(1, 5, "A", 0.75),
        Entity(0, 1, "A", 0.125),
    ]
    kept, lost = inside(entities, [(0, 4), (4, 8)])
    assert kept == [[Entity(0, 1, "A")], [Entity(0, 2, "B"), Entity(0, 1, "A")]]
    merged, _ = merge(kept, [(0, 4), (4, 8)])
    assert merged == [entities[3], entities[0], entities[1]]
    assert [e.score for e in merged] == [0.125, 0.5, 0.25] and [e.score for e in lost] == [0.75]


#                   the left window is (0, 8), the right one (4, 12): what they find, counted from 0
CUTS = [
    ([], [], [], []),
    ([(5, 6)], [(5, 6)], [(5, 6)], []),  # both find it: it comes once
    ([(5, 8)], [(5, 9)], [(5, 9)], []),  # the right window sees more of it: cut before it
    ([(3, 6)], [(4, 6)], [(3, 6)], []),  # the left window does: cut after it
    ([(3, 5)], [(7, 9)], [(3, 5), (7, 9)], []),
    ([(6, 8)], [], [], []),  # right of the cut at 6, where only the right window counts
    ([(4, 6)], [], [(4, 6)], []),
    (
        [(2, 7)],
        [(6, 10)],
        [(6, 10)],
        [(2, 7)],
    ),  # each place is spanned by one of them, the middle by one
    (
        [(3, 8)],
        [(4, 9)],
        [(4, 9)],
        [(3, 8)],
    ),  # at 4 one of them crosses, elsewhere both: the left one of two ends
]


@pytest.mark.parametrize(("left", "right", "merged", "dropped"), CUTS)
def test_one_cut_decides_which_window_counts(
    left: list[Window], right: list[Window], merged: list[Window], dropped: list[Window]
) -> None:
    found = [
        [Entity(*span, "A") for span in left],
        [Entity(*span, "A").shifted(-4) for span in right],
    ]
    expected = [Entity(*span, "A") for span in merged], [Entity(*span, "A") for span in dropped]
    assert merge(found, [(0, 8), (4, 12)]) == expected


def test_each_token_counts_in_one_window() -> None:
    assert shares([(0, 8), (4, 12), (12, 20)]) == [(0, 6), (6, 12), (12, 20)]
    assert shares([(0, 7), (4, 9)]) == [(0, 5), (5, 9)]
    assert shares([]) == []


def test_windows_inside_others_are_left_out() -> None:
    assert covering([(4, 9), (0, 5), (5, 8), (0, 3), (9, 10), (4, 9)]) == [(0, 5), (4, 9), (9, 10)]


def test_every_window_needs_its_entities() -> None:
    with pytest.raises(ValueError, match="zip"):
        merge([[]], [(0, 4), (4, 8)])


def test_a_very_long_source() -> None:
    windows = split(source_of(["word"] * 100_000), Room(256))
    assert 515 <= len(windows) <= 525 and windows[-1][1] == 100_000
    entities = [Entity(i, i + 2, "A") for i in range(0, 99_999, 2)]
    assert merge(inside(entities, windows)[0], windows) == (entities, [])
