"""What a plan said is said again, as far as anybody listened."""

from itertools import islice
from typing import Any

import pytest

from benchmarks.systems.plans import Expected, NotedPlan, RepeatedPlan
from spacy_genner.decoding.marks import COPY, Mark

OPEN, CLOSE = ("open", None), ("close", "ORG")


class Saying:
    """A plan that says the same whatever it is asked, and counts how often."""

    def __init__(self, *marks: Mark) -> None:
        self.marks, self.asked = marks, 0

    def expected(self, *question: Any) -> Any:
        self.asked += 1
        return iter(self.marks)


@pytest.mark.parametrize("listened", [[1], [2, 1], [1, 3], [9]])
@pytest.mark.parametrize("marks", [(COPY, OPEN, CLOSE), (OPEN, COPY, CLOSE), (COPY,), ()], ids=str)
def test_it_is_said_again(marks: tuple[Mark, ...], listened: list[int]) -> None:
    noted: Expected = {}
    plan: Any = NotedPlan(Saying(*marks), noted)  # type: ignore[arg-type]
    for count in listened:
        assert tuple(islice(plan.expected(3, 1, (OPEN,)), count)) == marks[:count]
    other = Saying(CLOSE, CLOSE)
    again: Any = RepeatedPlan(other, noted)  # type: ignore[arg-type]
    assert tuple(again.expected(3, 1, (OPEN,)))[: max(listened)] == marks[: max(listened)]
    assert other.asked == 1, "the work of a plan of its own"


def test_a_copy_alone_takes_no_place() -> None:
    noted: Expected = {}
    plan: Any = NotedPlan(Saying(COPY, OPEN), noted)  # type: ignore[arg-type]
    assert next(plan.expected(0, 0, ())) == COPY
    assert noted == {}
