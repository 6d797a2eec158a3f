"""How often a request is tried, and how long a server is waited for."""

from __future__ import annotations

import pytest

from spacy_genner.engines import patience
from spacy_genner.engines.patience import Patience


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    return clock


def wait(patience: Patience, clock: Clock, took: float = 0.0, there: bool = False) -> int:
    """Fail as often as a request may be tried, each time after so many seconds."""
    tries = 0
    while True:
        began, tries = clock.now, tries + 1
        clock.now += took
        pause = patience.failed(tries, began, there=there, timed_out=took > 0)
        if pause is None:
            return tries
        clock.now += pause


def test_pauses_grow_up_to_a_limit(clock: Clock) -> None:
    patience = Patience(1000)
    pauses = [patience.failed(tries, clock.now, there=False) or 0 for tries in range(1, 12)]
    assert 0 < pauses[0] <= 0.25 and 2.5 <= pauses[-1] <= 5
    assert pauses[4] > pauses[0]


def test_a_server_that_is_away_is_waited_for(clock: Clock) -> None:
    start = clock.now
    assert wait(Patience(20), clock) > 5
    assert 15 <= clock.now - start <= 20


def test_time_outs_count(clock: Clock) -> None:
    start = clock.now
    wait(Patience(20), clock, took=8)
    assert 16 <= clock.now - start <= 28


def test_if_the_server_is_there_a_request_is_tried_a_few_times(clock: Clock) -> None:
    assert wait(Patience(1000), clock, there=True) == 3


def test_without_patience_there_is_one_try(clock: Clock) -> None:
    assert wait(Patience(0), clock) == 1


def test_when_it_is_used_up_each_request_is_tried_once(clock: Clock) -> None:
    patience = Patience(20)
    wait(patience, clock)
    start = clock.now
    assert [(patience.allows(), wait(patience, clock)) for _ in range(100)] == [(True, 1)] * 100
    assert clock.now == start


def test_time_outs_do_not_add_up(clock: Clock) -> None:
    patience = Patience(20)
    wait(patience, clock, took=8)
    assert patience.allows() and wait(patience, clock, took=8) == 1
    assert not patience.allows()
    clock.now += 8
    assert patience.allows() and wait(patience, clock, took=8) == 1
    assert not patience.allows()


def test_one_request_that_takes_too_long_does_not_harm_the_others(clock: Clock) -> None:
    patience = Patience(20)
    for _ in range(3):
        wait(patience, clock, took=8, there=True)
        assert patience.allows()
        patience.answered()


def test_an_answer_renews_it(clock: Clock) -> None:
    patience = Patience(20)
    wait(patience, clock)
    patience.answered()
    assert wait(patience, clock) > 5


def test_a_server_that_is_there_again_renews_it(clock: Clock) -> None:
    patience = Patience(20)
    wait(patience, clock)
    wait(patience, clock, there=True)
    assert wait(patience, clock) > 5
