"""Several systems on one HTML page: their scores, and the documents where their spans differ."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from itertools import chain, islice, pairwise

from ..types import Entity
from .comparison import Comparison
from .drawing import DrawnSpan, Panel
from .errors import KINDS
from .metrics import Document, percent
from .page import Row
from .rows import SHOWN_TOKENS
from .significance import per_document
from .systems import System
from .table import Table


def systems_on(comparison: Comparison, documents: Sequence[Document]) -> list[System]:
    """Return the systems that were evaluated on the same documents, the reference first.

    Args:
        comparison: The systems.
        documents: The gold documents. The systems may have been evaluated on the first ones only.

    Raises:
        ValueError: If the reference, or all others, were evaluated on other documents.
        ValueError: If the predictions of a system are not known.
    """
    for reference in comparison.references.values():
        if reference.digest == per_document(documents[: len(reference.counts)])["digest"]:
            others = (one for one in comparison.systems if one is not reference)
            systems = [reference, *(one for one in others if one.digest == reference.digest)]
            break
    else:
        raise ValueError(
            f"{comparison.against} was not evaluated on these gold documents: give the ones that "
            "`genner evaluate` was given, and its --spans-key"
        )
    if len(systems) == 1:
        raise ValueError(
            f"only {comparison.against} was evaluated on these gold documents: give the metrics of "
            "another system on them"
        )
    if old := [system.name for system in systems if not system.runs[0].predictions]:
        raise ValueError(
            f"the metrics of {', '.join(old)} are of an older version, without the predicted "
            "spans: run `genner evaluate --output` again"
        )
    return systems


def tables(systems: Sequence[System]) -> list[Table]:
    """Return a table of the F1 of each label, and one of the kinds of errors. For a system of
    several runs, they have the means."""
    runs = chain.from_iterable(system.runs for system in systems)
    labels = sorted(set(chain.from_iterable(run.types for run in runs)))
    by_type = [[label, *(percent(one.f_of(label)) for one in systems)] for label in labels]
    kinds = [[one.name, *(_count(one.errors_of(kind)) for kind in KINDS)] for one in systems]
    return [
        Table("F1 by type, %", ["", *(system.name for system in systems)], by_type),
        Table("Kinds of errors", ["", *KINDS], kinds),
    ]


def rows(systems: Sequence[System], documents: Sequence[Document], limit: int) -> list[Row]:
    """Return the documents where the systems differ most, with the spans of each under the gold
    ones.

    Documents differ by the number of spans that some of the systems found, but not all. Of a system
    of several runs, the first one is shown.

    Args:
        systems: What `systems_on` returned.
        documents: The gold documents.
        limit: The maximum number of rows.
    """
    predictions = [system.runs[0].predictions for system in systems]
    found = list(zip(*predictions, strict=True))  # of each document
    differing = [len(frozenset.union(*one) - frozenset.intersection(*one)) for one in found]
    ranked = sorted(range(len(found)), key=lambda i: -differing[i])
    names = [system.name for system in systems]
    return [
        _row(names, documents[i], found[i], f"document {i + 1}, differing spans: {differing[i]}")
        for i in ranked[:limit]
        if differing[i]
    ]


def _count(mean: float | None) -> str:
    return "–" if mean is None else f"{mean:,.10g}"


def _row(names: Sequence[str], document: Document, found: Sequence[Set[Entity]], note: str) -> Row:
    text = document.text
    words = list(islice(re.finditer(r"\S+", text), SHOWN_TOKENS + 1))
    if len(words) > SHOWN_TOKENS:
        text = text[: words[-1].start()]
        note += f", the first {SHOWN_TOKENS:,} words"
    panels = [_panel(text, document.gold, document.gold, "gold")]
    for name, predicted in zip(names, found, strict=True):
        missed, spurious = len(document.gold - predicted), len(predicted - document.gold)
        title = f"{name}: {missed} missed, {spurious} spurious"
        panels.append(_panel(text, predicted, document.gold, title))
    return Row(panels, note=note)


def _panel(text: str, entities: Set[Entity], right: Set[Entity], title: str) -> Panel:
    """Return the panel of spans in characters. Words are cut where a span starts or ends inside."""
    spans = sorted((e for e in entities if e.end <= len(text)), key=lambda e: (e.start, -e.end))
    cuts = {0, len(text), *(word.start() for word in re.finditer(r"\S+", text))}
    cuts.update(chain.from_iterable((e.start, _next(text, e.end)) for e in spans))
    places = {character: i for i, character in enumerate(sorted(cuts))}
    pieces = [text[start:end] for start, end in pairwise(places)]
    words = [piece.rstrip() for piece in pieces]
    spaces = [piece[len(word) :] for piece, word in zip(pieces, words, strict=True)]
    marks = [
        DrawnSpan(places[e.start], places[_next(text, e.end)], e.label, error=e not in right)
        for e in spans
    ]
    return Panel(words, spaces, marks, title)


def _next(text: str, at: int) -> int:
    """Return the first character from a place on that is not white space."""
    return len(text) - len(text[at:].lstrip())
