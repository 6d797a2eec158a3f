"""Precision, recall and F1 of labelled spans.

They are computed in total, for each type, for flat and nested spans, for spans nested in one of
their own type, by depth of nesting, by length, and for names that were seen or not seen in
training.

A predicted span is right if a gold span of the document has the same start, end and label.
nervaluate and seqeval count in the same way but do not know spans inside spans. spaCy's scorer maps
predictions to gold tokens first, so that "Middle" is right where the gold data has the one token
"Middle-earth".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..nesting import inner, inner_of_label
from ..types import Entity
from .sizes import DEPTHS, LENGTHS, depths_of, length_of

Name = tuple[str, str]
"""The lower-cased text of a span, with white space as single spaces, and its label."""
Floats = NDArray[np.float64]
Group = tuple[str, str]
"""The kind of a group of spans, such as "types", and its name among these, such as "ORG"."""
Interval = tuple[float, float]

SAME_TYPE = "nested, same type"
"""The name of the group of spans that lie inside another span of the same label."""
_KINDS = ("total", "types", "nesting", "depths", "lengths", "names")
"""The kinds of groups, each named like the attribute of `Scores`."""
_SIZES = [("depths", name) for name in DEPTHS] + [("lengths", name) for name in LENGTHS]
"""The groups by size, in the order in which they are shown if there are such spans."""

PREDICTED, CORRECT, GOLD, FOUND = range(4)
"""The columns of counts: predicted spans and how many of them are gold, gold spans and how many of
them are predicted."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its gold and predicted spans, whose offsets count characters.

    A pipeline may have other tokens than the gold data. With characters, a span that no gold token
    boundary fits is an error of the prediction, and not lost.

    Attributes:
        text: The text.
        gold, predicted: Its spans.
        tokens: The character at which each token of the gold data starts; empty if the lengths of
            spans in tokens do not matter.
    """

    text: str
    gold: Set[Entity]
    predicted: Set[Entity]
    tokens: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one group of spans, as fractions.

    Attributes:
        p, r, f: Precision, recall and F1. None if the group is empty on both sides;
            otherwise 0 where there is nothing to divide by, as in spaCy.
        p_ci, r_ci, f_ci: Their 95 % confidence intervals; None where there is nothing to divide by.
        predicted, correct: The predicted spans of the group, and how many of them are gold: their
            ratio is the precision.
        gold, found: The gold spans of the group, and how many of them are predicted: their ratio is
            the recall.
    """

    p: float | None
    r: float | None
    f: float | None
    p_ci: Interval | None
    r_ci: Interval | None
    f_ci: Interval | None
    predicted: int
    correct: int
    gold: int
    found: int


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of all groups.

    The gold and the predicted spans are grouped independently. So the precision of the nested spans
    is that of predictions nested in other predictions, and their recall that of gold spans nested
    in other gold spans. The same holds for depths, lengths and seen names.

    Attributes:
        total: All spans.
        types: The spans of each label.
        nesting: "nested" are spans that lie inside another span of the same side and document;
            "flat" are all others. Of the nested ones, `SAME_TYPE` are those that lie inside a span
            of their own label.
        depths: The spans of each depth, 1 for those that lie inside no other; see `sizes`.
        lengths: The spans of each length in tokens. Empty if the tokens are not known.
        names: "seen" are spans whose name occurs in the training data; "unseen" are all others.
            Empty without training data.
    """

    total: Score
    types: dict[str, Score]
    nesting: dict[str, Score]
    depths: dict[str, Score]
    lengths: dict[str, Score]
    names: dict[str, Score]

    @property
    def sections(self) -> dict[str, dict[str, Score]]:
        """The scores as a table: the titles of the sections, the names of their rows, scores.

        Empty sections are left out, and so are the depths if no span is nested.
        """
        sections = {
            "All": {"total": self.total},
            "Per type": self.types,
            "Flat and nested": self.nesting,
            "By depth of nesting": self.depths if len(self.depths) > 1 else {},
            "By length": self.lengths,
            "Names in the training data": self.names,
        }
        return {title: rows for title, rows in sections.items() if rows}


def percent(rate: float | None) -> str:
    """Format a fraction in percent with one decimal, without the sign; None is a dash."""
    return "–" if rate is None else f"{100 * rate:.1f}"


def score_cells(score: Score) -> list[str]:
    """Return precision, recall, F1 and the interval of F1 as the cells of a table, in percent."""
    interval = "–" if score.f_ci is None else " to ".join(map(percent, score.f_ci))
    return [*map(percent, (score.p, score.r, score.f)), interval]


def score_documents(
    documents: Sequence[Document],
    seen: Set[Name] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Compute the scores of all groups.

    The confidence intervals are percentile bootstrap intervals over documents (Efron and
    Tibshirani, 1993, section 13.3).

    Args:
        documents: The documents to score.
        seen: The names of the training data; None leaves out seen and unseen names.
        resamples: How often the documents are drawn again, with replacement.
        seed: The seed for drawing them.

    Raises:
        ValueError: If there is no document.
    """
    if not documents:
        raise ValueError("there are no documents to score: give at least one")
    counts = [_counts(document, seen) for document in documents]
    present = set(chain.from_iterable(counts))
    groups = [("total", ""), *(("nesting", name) for name in ("flat", "nested", SAME_TYPE))]
    groups += sorted(group for group in present if group[0] == "types")
    groups += [group for group in _SIZES if group in present]
    if seen is not None:
        groups += [("names", "seen"), ("names", "unseen")]
    table = np.array(
        [[found.get(group, [0] * 4) for group in groups] for found in counts], dtype=np.float64
    )
    samples = _rates(resample(table, resamples, seed))
    kinds: dict[str, dict[str, Score]] = {kind: {} for kind in _KINDS}
    for i, (kind, name) in enumerate(groups):
        kinds[kind][name] = _score(table[:, i].sum(axis=0), samples[:, i])
    return Scores(kinds.pop("total")[""], **kinds)


def names(text: str, entities: Set[Entity]) -> dict[Entity, Name]:
    """Return the name of each entity.

    Args:
        text: The text of the document.
        entities: Its entities, with character offsets.
    """
    return {e: (" ".join(text[e.start : e.end].lower().split()), e.label) for e in entities}


def _counts(document: Document, seen: Set[Name] | None) -> dict[Group, list[int]]:
    """Return the four counts of each group that occurs in the document."""
    counts: dict[Group, list[int]] = {}
    for entity, group in _grouped(document, document.predicted, seen):
        row = counts.setdefault(group, [0] * 4)
        row[PREDICTED] += 1
        if entity in document.gold:
            row[CORRECT] += 1
    for entity, group in _grouped(document, document.gold, seen):
        row = counts.setdefault(group, [0] * 4)
        row[GOLD] += 1
        if entity in document.predicted:
            row[FOUND] += 1
    return counts


def _grouped(
    document: Document, side: Set[Entity], seen: Set[Name] | None
) -> Iterator[tuple[Entity, Group]]:
    """Yield each entity of one side with each group that it belongs to."""
    inside, inside_own_type, depths = inner(side), inner_of_label(side), depths_of(side)
    named = names(document.text, side)
    for entity in side:
        yield entity, ("total", "")
        yield entity, ("types", entity.label)
        yield entity, ("nesting", "nested" if entity in inside else "flat")
        if entity in inside_own_type:
            yield entity, ("nesting", SAME_TYPE)
        yield entity, ("depths", depths[entity])
        if document.tokens:
            yield entity, ("lengths", length_of(entity, document.tokens))
        if seen is not None:
            yield entity, ("names", "seen" if named[entity] in seen else "unseen")


def resample(table: Floats, resamples: int, seed: int) -> Floats:
    """Draw the documents again, with replacement, and add up their counts.

    Args:
        table: The counts, of shape (documents, groups, 4).
        resamples: How often to draw.
        seed: The seed for drawing.

    Returns:
        The sums, of shape (resamples, groups, 4).
    """
    rng, n = np.random.default_rng(seed), len(table)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(resamples))
    return np.stack([np.tensordot(draw, table, 1) for draw in draws])


def _rates(counts: Floats) -> Floats:
    """Compute precision, recall and F1.

    Args:
        counts: The four counts, of shape (…, 4).

    Returns:
        The rates, of shape (…, 3); NaN where there is nothing to divide by.
    """
    predicted, correct, gold, found = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        precision, recall = correct / predicted, found / gold
        p, r = np.nan_to_num(precision), np.nan_to_num(recall)
        f = np.where(predicted + gold > 0, np.nan_to_num(2 * p * r / (p + r)), np.nan)
    return np.stack([precision, recall, f], axis=-1)


def _score(counts: Floats, samples: Floats) -> Score:
    p_ci, r_ci, f_ci = map(_interval, samples.T)
    predicted, correct, gold, found = map(int, counts)
    p = r = f = None
    if predicted or gold:
        p, r, f = map(float, np.nan_to_num(_rates(counts)))
    return Score(p, r, f, p_ci, r_ci, f_ci, predicted, correct, gold, found)


def _interval(values: Floats) -> Interval | None:
    """Return the 2.5 % and the 97.5 % percentile of the resamples that have a value."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return None
    low, high = np.percentile(kept, (2.5, 97.5))
    return float(low), float(high)
