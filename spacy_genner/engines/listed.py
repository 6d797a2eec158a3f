"""Decisions from lists of log-probabilities that have only the most probable token ids.

vLLM returns, for each place in a text, the log-probabilities of the token ids at the top of the
vocabulary and of the one that comes next. A model that was trained on decisions alone gives legal
token ids low ranks, so that some choices may be missing from a list. The best choice is certain if
a listed one is above the end of the list. Otherwise the place is asked about once more, in a
reading that ends there: for the place after its last token id, vLLM returns the log-probabilities
of whatever token ids are asked for.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..decoding.interfaces import Decoding, Job, Question, Reply
from ..decoding.moves import Walk, follow, ids_of
from ..types import Trace

TOLERANCE = 1e-3
"""At most which share of the probability of all choices may be missing from a list where the
probabilities count."""

_GREAT = 700.0
"""A difference of log-probabilities whose exponential is about the greatest number there is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One request to a language model.

    Attributes:
        ids: The token ids to read.
        choices: The token ids whose log-probabilities after the last of them are asked for.
        listed: The places for which lists are asked for as well: after how many token ids each is.
    """

    ids: list[int]
    choices: list[int]
    listed: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a reading.

    Attributes:
        log_probs: The log-probability of each choice.
        lists: For each place, the log-probabilities of the most probable token ids, and of the one
            that comes next.
    """

    log_probs: Sequence[float]
    lists: Sequence[Mapping[int, float]] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of the choices at a place.

    Attributes:
        log_probs: Their log-probabilities, normalised over those that are known; minus infinity for
            the others.
        certain: Whether the best of them is the best of all choices.
        missing: At most which share of the probability of all choices the unknown ones have.
    """

    log_probs: npt.NDArray[np.float32]
    certain: bool = True
    missing: float = 0.0

    @property
    def best(self) -> int:
        """The index of the best choice that is known."""
        return int(self.log_probs.argmax())


def exact_row(log_probs: Sequence[float]) -> Row:
    """Return the row of choices all of whose log-probabilities are known."""
    known = np.array(log_probs, dtype=np.float64)
    return Row((known - np.logaddexp.reduce(known)).astype(np.float32))


def listed_row(choices: Sequence[int], listed: Mapping[int, float], top: int) -> Row:
    """Return the row of some choices, given the list for their place.

    Args:
        top: The number of the most probable token ids in the list.
    """
    known = {id: listed[id] for id in choices if id in listed}
    if len(known) == len(choices):
        return exact_row([known[id] for id in choices])
    highest = sorted(listed.values(), reverse=True)
    end = highest[top - 1] if top <= len(highest) else -math.inf
    if not known:
        return Row(np.full(len(choices), -np.inf, dtype=np.float32), certain=False, missing=1.0)
    total = float(np.logaddexp.reduce(list(known.values())))
    unknown = len(choices) - len(known)
    missing = unknown / (unknown + math.exp(min(total - end, _GREAT)))
    row = np.array([known.get(id, -np.inf) for id in choices]) - total
    return Row(row.astype(np.float32), max(known.values()) > end, missing)


Consultation: TypeAlias = Generator[list[Reading], list[Found], Trace | None]
"""A decoding whose questions are answered by readings. Those that are yielded together can be done
at the same time."""


def consult(job: Job, decoding: Decoding, top: int, exact: bool = False) -> Consultation:
    """Answer the questions of a decoding, and return what it returns.

    As far as a question agrees with the best choices, and at the first place where it does not, the
    best choice in a reply is right. Its other log-probabilities may be estimates; those that the
    scores of entities are made of are corrected in the trace at the end.

    Args:
        top: The number of the most probable token ids in each list.
        exact: Whether all log-probabilities in replies must be right.
    """
    rows: dict[tuple[int, ...], Row] = {}  # what is known, by the token ids before the place
    reply: Reply | None = None
    while True:
        try:
            question = decoding.send(reply) if reply else next(decoding)
        except StopIteration as stop:
            trace: Trace | None = stop.value
            break
        found = yield from _rows(job, question, top, exact)
        rows.update(zip(_histories(question.ids, question.places), found, strict=True))
        reply = Reply(_padded([row.log_probs for row in found]))
    return (yield from _corrected(job, trace, rows)) if trace else trace


def _rows(
    job: Job, question: Question, top: int, exact: bool
) -> Generator[list[Reading], list[Found], list[Row]]:
    """Return what is known of the choices at each place of a question, after as many readings as
    are needed."""
    start = len(job.prefix)
    ids = [*job.prefix, *question.ids]
    ends = [start + place for place in question.places]
    [found] = yield [Reading(ids[: ends[-1]], question.choices[-1], ends[:-1])]
    pairs = zip(question.choices[:-1], found.lists, strict=True)
    rows = [listed_row(choices, listed, top) for choices, listed in pairs]
    if exact:
        unclear = [n for n, row in enumerate(rows) if row.missing > TOLERANCE]
    else:
        unclear = [n for n in range(_followed(rows, question)) if not rows[n].certain]
    if unclear:
        readings = [Reading(ids[: ends[n]], question.choices[n]) for n in unclear]
        for n, one in zip(unclear, (yield readings), strict=True):
            rows[n] = exact_row(one.log_probs)
    return [*rows, exact_row(found.log_probs)]


def _followed(rows: Sequence[Row], question: Question) -> int:
    """Return how many rows come before the first one whose best choice certainly is another token
    id than the one that comes next in the question."""
    for n, row in enumerate(rows):
        following = question.ids[question.places[n]]
        if row.certain and question.choices[n][row.best] != following:
            return n
    return len(rows)


def _corrected(
    job: Job, trace: Trace, rows: Mapping[tuple[int, ...], Row]
) -> Generator[list[Reading], list[Found], Trace]:
    """Return a trace with the right probabilities of all moves that decided an entity."""
    walk = follow(job.grammar, [step.move for step in trace], job.encode)
    places = [len(job.body) + decision.position for decision in walk.decisions]
    ids = [*job.body, *walk.ids]
    known = [rows[history] for history in _histories(ids, places)]
    unclear = [n for n in _deciding(job, walk) if known[n].missing > TOLERANCE]
    if not unclear:
        return trace
    readings = [
        Reading([*job.prefix, *ids[: places[n]]], walk.decisions[n].choices) for n in unclear
    ]
    for n, found in zip(unclear, (yield readings), strict=True):
        known[n] = exact_row(found.log_probs)
    return walk.trace(row.log_probs.tolist() for row in known)


def _deciding(job: Job, walk: Walk) -> list[int]:
    """Return the indices of the decisions of a walk from which the scores of its entities come."""
    moves = set[int]()
    for _, deciding in job.grammar.entities(walk.moves):
        moves.update(deciding.taken, deciding.absent)
    ends = list(accumulate(len(ids_of(move, job.encode)) for move in walk.moves))
    move_of = [bisect_right(ends, decision.position) for decision in walk.decisions]
    return [n for n, move in enumerate(move_of) if move in moves]


def _histories(ids: Sequence[int], places: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the token ids before each place."""
    return [tuple(ids[:place]) for place in places]


def _padded(rows: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return rows of different lengths as one array, padded with minus infinity."""
    padded = np.full((len(rows), max(map(len, rows))), -np.inf, dtype=np.float32)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded
