"""The marks of a derivation, gap by gap between its copies, without their spelling. A draft head
learns to predict them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..types import Move

Mark: TypeAlias = tuple[str, str | None]
"""The kind and the label of a move that does not copy."""

Pattern: TypeAlias = tuple[Mark, ...]
"""The marks in a gap: those before a token, or after the last one."""

COPY: Mark = ("copy", None)
"""What follows when no further mark is in a gap."""

DEPTH_CHANGE = {"open": 1, "close": -1}
"""By how much a move of a kind changes the number of open spans; other kinds do not."""

_DEPTH = 8  # how many numbers of open spans are told apart; more count as the greatest of them
_NEVER = -1e4


def marks_of(moves: Iterable[Move]) -> list[Pattern]:
    """Return the marks of a complete derivation, gap by gap."""
    gaps: list[list[Mark]] = [[]]
    for move in moves:
        if move.kind == "copy":
            gaps.append([])
        else:
            gaps[-1].append((move.kind, move.label))
    return [tuple(gap) for gap in gaps]


class Plan:
    """The most probable marks of a source, such that every open span is closed in the end.

    They are known for every beginning of an answer: Viterbi's algorithm, from the last gap to the
    first, with the number of open spans as its state.

    Args:
        patterns: The patterns that a gap may have.
        scores: Their log-probabilities, gaps × patterns.
    """

    def __init__(self, patterns: Sequence[Pattern], scores: npt.NDArray[np.floating]) -> None:
        self._patterns, self._scores = patterns, scores
        depths = np.arange(_DEPTH)[:, None]
        effects = np.array([_effect(pattern) for pattern in patterns])
        needed, change = effects[:, 0], effects[:, 1]
        # For each depth and pattern, the depth after the pattern, and the cost if it is illegal.
        self._after = np.clip(depths + change, 0, _DEPTH - 1)
        self._legal = np.where(depths >= needed, 0.0, _NEVER)
        # The best score of a gap and all gaps after it, gaps × depths. After the last gap, each
        # span that is still open costs as much as an illegal pattern, so that closing it is always
        # preferred.
        self._rest = np.empty((len(scores) + 1, _DEPTH))
        self._rest[-1] = np.arange(_DEPTH) * _NEVER
        for gap in range(len(scores) - 1, -1, -1):
            self._rest[gap] = self._totals(gap).max(axis=1)

    def expected(self, gap: int, depth: int, written: Pattern) -> Iterator[Mark]:
        """Yield the marks that may come next in a gap, the most probable first; `COPY` if the gap
        is complete.

        Args:
            gap: The index of the gap.
            depth: The number of open spans before the gap.
            written: The marks already written in the gap.
        """
        totals = self._totals(gap)[min(depth, _DEPTH - 1)]
        for index in (-totals).argsort(kind="stable"):
            pattern = self._patterns[index]
            if pattern[: len(written)] == written:
                yield pattern[len(written)] if len(pattern) > len(written) else COPY

    def _totals(self, gap: int) -> npt.NDArray[np.floating]:
        """Return the scores of the patterns of a gap, each with the best that can follow it: depths
        × patterns."""
        totals: npt.NDArray[np.floating] = (
            self._scores[gap] + self._legal + self._rest[gap + 1][self._after]
        )
        return totals


def _effect(pattern: Pattern) -> tuple[int, int]:
    """Return how many spans must be open before a pattern, and by how much the pattern changes that
    number."""
    needed = change = 0
    for kind, _ in pattern:
        change += DEPTH_CHANGE.get(kind, 0)
        needed = max(needed, -change)
    return needed, change
