from __future__ import annotations

import copy
import json
import pickle
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_genner.prompts.shots import FewShot, Shot, Shots, shot_from_json, shot_to_json
from spacy_genner.types import Entity, Source
from tests.strategies import nested, sources

NEAREST_2 = FewShot(2, nearest=True)


def shot(text: str, *entities: Entity) -> Shot:
    words = tuple(text.split())
    return Source(words, (False,) + (True,) * (len(words) - 1)), entities


def texts(shots: list[Shot]) -> list[str]:
    return [" ".join(source.words) for source, _ in shots]


POOL = [
    shot("rain falls on Leeds", Entity(3, 4, "GPE")),
    shot("the bank bought a factory", Entity(1, 2, "ORG")),
    shot("THE bank sold its Factory"),
    shot("nothing new"),
]


def test_without_settings_there_are_none() -> None:
    shots = Shots(POOL)
    assert (shots.count, shots.shared, shots.near(POOL[0][0])) == (0, [], [])


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (3, 3), (4, 4), (9, 4)])
def test_fixed_shots_are_the_first_ones(count: int, shown: int) -> None:
    shots = Shots(POOL, FewShot(count))
    assert shots.shared == shots.pool == POOL[:shown]
    assert shots.count == shown
    assert shots.near(POOL[0][0]) == []


def test_the_nearest_stand_last_whatever_their_case() -> None:
    shots = Shots(POOL, NEAREST_2)
    assert shots.count == 2
    assert shots.shared == []
    assert texts(shots.near(shot("The Bank SOLD the factory")[0])) == texts([POOL[1], POOL[2]])
    assert texts(shots.near(shot("rain , nothing but rain in Leeds")[0])) == texts(
        [POOL[3], POOL[0]]
    )


def test_a_text_does_not_see_itself() -> None:
    shots = Shots(POOL, NEAREST_2)
    for source, _ in POOL:
        assert len(shots.near(source)) == 2
        assert all(other != source for other, _ in shots.near(source))
    spaced = Source(POOL[0][0].words, (True,) * 4)
    assert all(other.words != spaced.words for other, _ in shots.near(spaced))


def test_a_text_without_any_known_word_sees_the_first_ones() -> None:
    assert texts(Shots(POOL, NEAREST_2).near(shot("völlig fremd")[0])) == texts([POOL[1], POOL[0]])


@pytest.mark.parametrize("settings", [NEAREST_2, FewShot(9)])
def test_the_same_words_are_one_example(settings: FewShot) -> None:
    shots = Shots([POOL[1], shot("the bank bought a factory"), *POOL], settings)
    assert shots.pool == [POOL[1], POOL[0], POOL[2], POOL[3]]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_nearest_need_more_than_are_shown(size: int) -> None:
    with pytest.raises(
        ValueError, match=f"count = 3 needs more than {size} different examples.*: give more"
    ):
        Shots([*POOL[:size], POOL[0]], FewShot(3, nearest=True))
    assert Shots(POOL, FewShot(3, nearest=True)).count == 3


@pytest.mark.parametrize("settings", [NEAREST_2, FewShot(2)])
def test_no_examples_yet(settings: FewShot) -> None:
    assert Shots([], settings).pool == []


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_of_none_is_refused(count: int) -> None:
    with pytest.raises(
        ValueError, match=f"count = {count}: show at least one example, or set shots = null"
    ):
        FewShot(count)


def test_without_bm25s_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    assert Shots(POOL, FewShot(2)).count == 2
    with pytest.raises(ImportError, match=r'pip install "spacy-genner\[shots\]"'):
        Shots(POOL, NEAREST_2)


def test_copies_choose_the_same() -> None:
    shots = Shots(POOL, NEAREST_2)
    source = shot("a bank in Leeds")[0]
    for other in (copy.deepcopy(shots), pickle.loads(pickle.dumps(shots))):
        assert other.near(source) == shots.near(source)


@given(st.lists(sources(), min_size=4), sources())
def test_as_many_as_wanted_and_never_the_text_itself(pool: list[Source], source: Source) -> None:
    distinct = {other.words for other in pool}
    assume(len(distinct) > 3)
    near = Shots([(other, ()) for other in pool], FewShot(3, nearest=True)).near(source)
    assert len({other.words for other, _ in near} & distinct) == 3
    assert all(other.words != source.words for other, _ in near)


@given(st.data())
def test_json_holds_an_example(data: st.DataObject) -> None:
    source = data.draw(sources())
    example = (source, tuple(data.draw(nested(source, {"ORG": "", "größe | x": ""}, max_depth=3))))
    assert shot_from_json(json.loads(json.dumps(shot_to_json(example)))) == example


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (None, "is not an example"),
        ([], "is not an example"),
        ({"words": "abc", "spaces": [], "spans": []}, "is not an example"),
        ({"words": [1], "spaces": [True], "spans": []}, "is not an example"),
        ({"words": ["a"], "spaces": [], "spans": []}, "1 words but 0 spaces"),
        ({"words": [" "], "spaces": [True], "spans": []}, "only white space"),
        ({"words": ["\ud800"], "spaces": [True], "spans": []}, "surrogates not allowed"),
        (
            {"words": ["a"], "spaces": [True], "spans": [[0, 2, "A"]]},
            r"\[0, 2, 'A'\] is not a span of 1 words",
        ),
        ({"words": ["a"], "spaces": [True], "spans": [[0, 1.0, "A"]]}, "is not a span"),
        ({"words": ["a"], "spaces": [True], "spans": [3]}, "is not a span"),
    ],
)
def test_json_of_something_else(packed: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shot_from_json(packed)
