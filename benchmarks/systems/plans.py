"""What a draft head says when it is asked: noted down, and said again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from spacy_genner.decoding.marks import COPY, Mark, Pattern, Plan

Question: TypeAlias = tuple[int, int, Pattern]
"""A gap, how many spans are open before it, and the marks that stand in it already."""
Expected: TypeAlias = dict[Question, Pattern]
"""The marks that may come next, the most probable first, as far as anybody listened. A copy alone
is left out."""


class NotedPlan:
    """A plan that notes what it says."""

    def __init__(self, plan: Plan, noted: Expected) -> None:
        self._plan, self._noted = plan, noted

    def expected(self, gap: int, depth: int, written: Pattern) -> Iterator[Mark]:
        """What may come next, the most probable first."""
        said: Pattern = ()
        for mark in self._plan.expected(gap, depth, written):
            said = (*said, mark)
            if said != (COPY,) and len(said) > len(self._noted.get((gap, depth, written), ())):
                self._noted[gap, depth, written] = said
            yield mark
        if not said:
            self._noted[gap, depth, written] = said


class RepeatedPlan:
    """A plan that does its own work, and then says what another one said."""

    def __init__(self, plan: Plan, noted: Expected) -> None:
        self._plan, self._noted = plan, noted

    def expected(self, gap: int, depth: int, written: Pattern) -> Iterator[Mark]:
        """What could come next, as far as anybody listened when it was noted."""
        next(self._plan.expected(gap, depth, written), None)
        yield from self._noted.get((gap, depth, written), (COPY,))
