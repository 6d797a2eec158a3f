"""The kinds of errors of labelled spans, and the labels that are taken for one another.

The kinds are those of MUC in the version of Segura-Bedmar et al. (2013, "SemEval-2013 Task 9"),
which nervaluate counts as well. Here a span is paired with at most one of the other side, so that
nested spans are counted once, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from ..types import Entity
from .metrics import Document
from .table import Table

KINDS = ("correct", "label", "boundary", "label and boundary", "missed", "spurious")
"""The kinds: correct, another label with the same boundaries, other boundaries with the same label,
both, a gold span without a predicted one, and a predicted span without a gold one."""

_NOTES = (
    "A span is paired with at most one of the other side, the best overlap first. The label of a "
    "pair, its boundaries, or both may be wrong; what is left is missed (gold) or spurious "
    "(predicted). A pair counts for the label of its gold span.",
)

ELSEWHERE = "other boundaries"
"""The row and the column of a confusion for spans that are paired with one that has other
boundaries."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The spans of a document, each once.

    Attributes:
        pairs: Gold spans, each with the predicted span that was meant for it.
        missed: The other gold spans.
        spurious: The other predicted spans.
    """

    pairs: list[tuple[Entity, Entity]]
    missed: set[Entity]
    spurious: set[Entity]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each gold label was predicted as each label.

    Attributes:
        labels: The labels, sorted.
        counts: A square table. A row is a gold label and a column a predicted one, for spans with
            the same boundaries. After the labels there are two more columns, for gold spans that
            are paired with other boundaries and for those that are missed, and two more rows, for
            predicted spans that are paired with other boundaries and for spurious ones. So the row
            of a label adds up to its gold spans, and its column to the predicted ones.
    """

    labels: list[str]
    counts: list[list[int]]

    @property
    def rows(self) -> list[str]:
        """The names of the rows."""
        return [*self.labels, ELSEWHERE, "spurious"]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*self.labels, ELSEWHERE, "missed"]

    def share(self, row: int, column: int) -> float:
        """Return the part of the gold spans of its row that a cell is; in the two last rows, the
        part of the predicted spans of its column."""
        whole = self.counts[row] if row < len(self.labels) else [x[column] for x in self.counts]
        return self.counts[row][column] / max(1, sum(whole))


@dataclass(frozen=True, slots=True)
class Errors:
    """How often there is each kind of error.

    Attributes:
        total: The number of spans of each of `KINDS`.
        types: The same for each label: that of the gold span or, for spurious spans, the predicted
            one.
        confusion: The labels that are taken for one another.
    """

    total: dict[str, int]
    types: dict[str, dict[str, int]]
    confusion: Confusion

    @property
    def table(self) -> Table:
        """The kinds of errors, in total and for each label."""
        rows = [("total", *self.total.values())]
        rows += [(label, *counts.values()) for label, counts in self.types.items()]
        return Table("Kinds of errors", ("", *KINDS), rows, _NOTES)


def errors_of(documents: Sequence[Document]) -> Errors:
    """Count the errors of each kind."""
    spans = chain.from_iterable(document.gold | document.predicted for document in documents)
    labels = sorted({entity.label for entity in spans})
    types = {label: dict.fromkeys(KINDS, 0) for label in labels}
    index = {label: i for i, label in enumerate(labels)}
    elsewhere, alone = len(labels), len(labels) + 1
    counts = [[0] * (alone + 1) for _ in range(alone + 1)]
    for document in documents:
        matching = match(document.gold, document.predicted)
        for gold, predicted in matching.pairs:
            row, column = index[gold.label], index[predicted.label]
            types[gold.label][_kind(gold, predicted)] += 1
            if _same_boundaries(gold, predicted):
                counts[row][column] += 1
            else:
                counts[row][elsewhere] += 1
                counts[elsewhere][column] += 1
        for entity in matching.missed:
            types[entity.label]["missed"] += 1
            counts[index[entity.label]][alone] += 1
        for entity in matching.spurious:
            types[entity.label]["spurious"] += 1
            counts[alone][index[entity.label]] += 1
    total = {kind: sum(found[kind] for found in types.values()) for kind in KINDS}
    return Errors(total, types, Confusion(labels, counts))


def match(gold: Set[Entity], predicted: Set[Entity]) -> Matching:
    """Pair gold spans with the predicted spans that were meant for them.

    Pairs share characters, and no span is in two of them. The pair with the best overlap is taken
    first: that in which the shared characters are the greatest part of those of both spans (the
    Jaccard index). Of equal ones, it is the one with the same label, then the first in the text.
    """
    matching = Matching([], set(gold), set(predicted))
    for ours, theirs in sorted(_overlapping(gold, predicted), key=_order):
        if ours in matching.missed and theirs in matching.spurious:
            matching.missed.remove(ours)
            matching.spurious.remove(theirs)
            matching.pairs.append((ours, theirs))
    return matching


def _overlapping(gold: Set[Entity], predicted: Set[Entity]) -> Iterator[tuple[Entity, Entity]]:
    """Yield each gold span with each predicted span that shares characters with it."""
    sides = [(entity, True) for entity in gold] + [(entity, False) for entity in predicted]
    golds: list[Entity] = []  # those that have not ended at the start of the current span
    others: list[Entity] = []
    for entity, is_gold in sorted(sides):
        golds = [one for one in golds if one.end > entity.start]
        others = [one for one in others if one.end > entity.start]
        if is_gold:
            yield from ((entity, one) for one in others)
            golds.append(entity)
        else:
            yield from ((one, entity) for one in golds)
            others.append(entity)


def _order(pair: tuple[Entity, Entity]) -> tuple[float, bool, Entity, Entity]:
    """Return the key by which pairs are sorted, the best one first."""
    gold, predicted = pair
    shared = min(gold.end, predicted.end) - max(gold.start, predicted.start)
    both = max(gold.end, predicted.end) - min(gold.start, predicted.start)
    return -shared / both, gold.label != predicted.label, gold, predicted


def _kind(gold: Entity, predicted: Entity) -> str:
    """Return the kind of a pair."""
    if gold.label == predicted.label:
        return "correct" if _same_boundaries(gold, predicted) else "boundary"
    return "label" if _same_boundaries(gold, predicted) else "label and boundary"


def _same_boundaries(gold: Entity, predicted: Entity) -> bool:
    return (gold.start, gold.end) == (predicted.start, predicted.end)
