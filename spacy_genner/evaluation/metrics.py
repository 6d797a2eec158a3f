"""Precision, recall and F1 of labelled spans: in total, per type, flat and nested, seen and unseen
names.

A predicted span is right if a gold span of the document has the same start, end and label.
nervaluate and seqeval count the same way but know no spans inside spans; spaCy's scorer maps
predictions to gold tokens first, so that "Middle" is right where the gold data has the one token
"Middle-earth".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..nesting import inner
from ..types import Entity

Name = tuple[str, str]
"""The lower-cased text of a span, white space as single spaces, and its label."""
Floats = NDArray[np.float64]
Group = tuple[str, str]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the spans of both sides. `start` and `end` of the entities are character offsets
    here.

    Characters, because a pipeline may have other tokens than the gold data: a span over other
    boundaries is then an error of the prediction, and not lost.
    """

    text: str
    gold: Set[Entity]
    predicted: Set[Entity]


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one group of spans, as fractions.

    Attributes:
        p, r, f: None if the group is empty on both sides; else 0 where there is nothing to divide
            by, as in spaCy.
        p_ci, r_ci, f_ci: Their 95 % confidence intervals; None where there is nothing to divide by.
        predicted, correct: Predicted spans of the group, and how many of them are gold: precision.
        gold, found: Gold spans of the group, and how many of them are predicted: recall.
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
    """All groups.

    Each side is grouped by itself: precision is over the predictions that are nested among the
    predictions (whose names are seen), recall over the gold spans that are nested in the gold data.

    Attributes:
        types: Per label.
        nesting: "nested" = spans that lie inside another span of the same side and document, "flat"
            = all others.
        names: "seen" = spans whose name occurs in the training part, "unseen" = all others; empty
            without training part.
    """

    total: Score
    types: dict[str, Score]
    nesting: dict[str, Score]
    names: dict[str, Score]

    @property
    def sections(self) -> dict[str, dict[str, Score]]:
        """The same as a table: title of the section → name of the row → score."""
        names = {"Names in the training part": self.names} if self.names else {}
        return {
            "All": {"total": self.total},
            "Per type": self.types,
            "Flat and nested": self.nesting,
            **names,
        }


def score_documents(
    documents: Sequence[Document],
    seen: Set[Name] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Scores of all groups, with percentile bootstrap intervals over documents (Efron & Tibshirani
    1993, §13.3).

    Args:
        seen: The names of the training part; None leaves seen and unseen out.
        resamples: How often the documents are drawn again, with replacement.

    Raises:
        ValueError: If there is no document.
    """
    if not documents:
        raise ValueError("there are no documents to score: give at least one")
    counts = [_counts(document, seen) for document in documents]
    fixed = [("total", ""), ("nesting", "flat"), ("nesting", "nested")]
    fixed += [] if seen is None else [("names", "seen"), ("names", "unseen")]
    groups = fixed + sorted({group for found in counts for group in found if group[0] == "types"})
    table = np.array(
        [[found.get(group, [0] * 4) for group in groups] for found in counts], dtype=np.float64
    )
    samples = _rates(_resample(table, resamples, seed))
    scores = {g: _score(table[:, i].sum(axis=0), samples[:, i]) for i, g in enumerate(groups)}
    kinds = {
        kind: {name: scores[kind, name] for k, name in groups if k == kind}
        for kind in ("types", "nesting", "names")
    }
    return Scores(scores["total", ""], **kinds)


def names(text: str, entities: Set[Entity]) -> dict[Entity, Name]:
    """The name of each entity."""
    return {e: (" ".join(text[e.start : e.end].lower().split()), e.label) for e in entities}


def _counts(document: Document, seen: Set[Name] | None) -> dict[Group, list[int]]:
    """(predicted, correct, gold, found) of each group that occurs in the document."""
    counts: dict[Group, list[int]] = {}
    for column, side, other in (
        (0, document.predicted, document.gold),
        (2, document.gold, document.predicted),
    ):
        for entity, group in _grouped(document.text, side, seen):
            row = counts.setdefault(group, [0] * 4)
            row[column] += 1
            row[column + 1] += entity in other
    return counts


def _grouped(
    text: str, side: Set[Entity], seen: Set[Name] | None
) -> Iterator[tuple[Entity, Group]]:
    inside, named = inner(side), names(text, side)
    for entity in side:
        yield entity, ("total", "")
        yield entity, ("types", entity.label)
        yield entity, ("nesting", "nested" if entity in inside else "flat")
        if seen is not None:
            yield entity, ("names", "seen" if named[entity] in seen else "unseen")


def _resample(table: Floats, resamples: int, seed: int) -> Floats:
    """(documents, groups, 4) counts → (resamples, groups, 4) sums over documents drawn with
    replacement."""
    rng, n = np.random.default_rng(seed), len(table)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(resamples))
    return np.stack([np.tensordot(draw, table, 1) for draw in draws])


def _rates(counts: Floats) -> Floats:
    """(…, 4) counts → (…, 3) precision, recall, F1; NaN where there is nothing to divide by."""
    predicted, correct, gold, found = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        precision, recall = correct / predicted, found / gold
        p, r = np.nan_to_num(precision), np.nan_to_num(recall)
        f = np.where(predicted + gold > 0, np.nan_to_num(2 * p * r / (p + r)), np.nan)
    return np.stack([precision, recall, f], axis=-1)


def _score(counts: Floats, samples: Floats) -> Score:
    p, r, f = map(float, np.nan_to_num(_rates(counts)))
    p_ci, r_ci, f_ci = map(_interval, samples.T)
    predicted, correct, gold, found = map(int, counts)
    rates: tuple[float | None, float | None, float | None] = (
        (p, r, f) if predicted or gold else (None, None, None)
    )
    return Score(*rates, p_ci, r_ci, f_ci, predicted, correct, gold, found)


def _interval(values: Floats) -> Interval | None:
    """2.5 % and 97.5 % percentile of the resamples that have a value."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return None
    low, high = np.percentile(kept, (2.5, 97.5))
    return float(low), float(high)
