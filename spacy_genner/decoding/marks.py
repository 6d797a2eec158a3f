"""What a derivation marks between its copies, apart from how that is spelled: what a draft head can
learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..types import Move

Mark: TypeAlias = tuple[str, str | None]
"""Kind and label of a move that is no copy."""

Pattern: TypeAlias = tuple[Mark, ...]
"""The marks before a token, or after the last one."""

COPY: Mark = ("copy", None)
_DEPTH = 8  # how many open spans are told apart
_NEVER = -1e4


def marks_of(moves: Iterable[Move]) -> list[Pattern]:
    """The marks of a complete derivation, gap by gap."""
    gaps: list[list[Mark]] = [[]]
    for move in moves:
        if move.kind == "copy":
            gaps.append([])
        else:
            gaps[-1].append((move.kind, move.label))
    return [tuple(gap) for gap in gaps]


class Plan:
    """The most probable marks of a source that can follow what is written, whatever that is: open
    spans will be closed (Viterbi's algorithm, over the number of open spans).

    Args:
        patterns: What may stand in a gap.
        scores: Log-probabilities, gaps × patterns.
    """

    def __init__(self, patterns: Sequence[Pattern], scores: npt.NDArray[np.floating]) -> None:
        self._patterns, self._scores = patterns, scores
        depths = np.arange(_DEPTH)[:, None]
        needed, change = np.array([_effect(pattern) for pattern in patterns]).T
        self._after = np.clip(depths + change, 0, _DEPTH - 1)  # depths × patterns
        self._legal = np.where(depths >= needed, 0.0, _NEVER)
        self._rest = np.empty(
            (len(scores) + 1, _DEPTH)
        )  # the best score of a gap and all behind it
        self._rest[-1] = np.arange(_DEPTH) * _NEVER
        for gap in range(len(scores) - 1, -1, -1):
            self._rest[gap] = self._totals(gap).max(axis=1)

    def expected(self, gap: int, depth: int, written: Pattern) -> Iterator[Mark]:
        """What may come next in a gap before which so many spans are open, and in which these marks
        stand already: the most probable first."""
        totals = self._totals(gap)[min(depth, _DEPTH - 1)]
        for index in (-totals).argsort(kind="stable"):
            pattern = self._patterns[index]
            if pattern[: len(written)] == written:
                yield pattern[len(written)] if len(pattern) > len(written) else COPY

    def _totals(self, gap: int) -> npt.NDArray[np.floating]:
        """Scores of the patterns of a gap with the best that can follow, depths × patterns."""
        totals: npt.NDArray[np.floating] = (
            self._scores[gap] + self._legal + self._rest[gap + 1][self._after]
        )
        return totals


def _effect(pattern: Pattern) -> tuple[int, int]:
    """How many spans must be open before a pattern, and how many more are open behind it."""
    needed = change = 0
    for kind, _ in pattern:
        change += {"open": 1, "close": -1}.get(kind, 0)
        needed = max(needed, -change)
    return needed, change
