from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from spacy_genner.evaluation import side_by_side
from spacy_genner.evaluation.comparison import Comparison
from spacy_genner.evaluation.metrics import Document
from spacy_genner.evaluation.side_by_side import rows, systems_on, tables
from spacy_genner.evaluation.significance import counts_per_document, per_document
from spacy_genner.evaluation.systems import COSTS, RATES, Run, System
from spacy_genner.types import Entity

TEXT = "Bonn on Rhine-side, Germany"
BONN, RHINE, GERMANY = Entity(0, 4, "GPE"), Entity(8, 13, "LOC"), Entity(20, 27, "GPE")
GOLD = [Document(TEXT, frozenset({BONN, GERMANY}), frozenset()) for _ in range(3)]
Found = Sequence[set[Entity]]


def system(name: str, *runs: Found, gold: Sequence[Document] = GOLD) -> System:
    """A system with the predictions of each run for each document."""
    read = []
    for i, found in enumerate(runs):
        documents = [
            replace(document, predicted=frozenset(spans))
            for document, spans in zip(gold, found, strict=True)
        ]
        stored = per_document(documents)
        predictions = [frozenset(spans) for spans in found]
        values: dict[str, float | None] = dict.fromkeys([*RATES, *COSTS])
        counts = counts_per_document(stored)
        types, errors = {"GPE": i / 2}, {"missed": float(i)}
        read.append(Run(name, values, stored["digest"], counts, types, errors, predictions))
    return System(read)


OURS = system("ours", [{BONN, GERMANY}, {BONN}, {BONN}])
OTHER = system("other", [{BONN, GERMANY}, {BONN, RHINE}, {RHINE}])


def test_the_reference_comes_first() -> None:
    elsewhere = system("elsewhere", [{BONN}], gold=GOLD[:1])
    comparison = Comparison([OTHER, elsewhere, OURS], against="ours")
    assert systems_on(comparison, GOLD) == [OURS, OTHER]


def test_systems_may_have_read_only_the_first_documents() -> None:
    first, second = (system(name, [{BONN}], gold=GOLD[:1]) for name in ("first", "second"))
    assert systems_on(Comparison([first, second], "first"), GOLD) == [first, second]


def test_other_documents_are_an_error() -> None:
    spans = [replace(GOLD[0], gold=frozenset({BONN}))] * 3
    with pytest.raises(ValueError, match=r"ours was not evaluated on these gold documents: give"):
        systems_on(Comparison([OURS, OTHER], "ours"), spans)


def test_a_system_alone_is_an_error() -> None:
    elsewhere = system("elsewhere", [{BONN}], gold=GOLD[:1])
    with pytest.raises(ValueError, match="only ours was evaluated on these gold documents"):
        systems_on(Comparison([OURS, elsewhere], "ours"), GOLD)


def test_metrics_without_predictions_are_an_error() -> None:
    old = System([replace(OTHER.runs[0], predictions=[])])
    with pytest.raises(ValueError, match=r"metrics of other are of an older version.*again"):
        systems_on(Comparison([OURS, old], "ours"), GOLD)


def test_metrics_without_counts_are_an_error() -> None:
    old = System([replace(OURS.runs[0], digest="", counts=np.zeros((0, 3), np.int64))])
    with pytest.raises(ValueError, match="ours was not evaluated on these gold documents"):
        systems_on(Comparison([old, OTHER], "ours"), GOLD)


def test_documents_that_differ_most_come_first_and_equal_ones_not_at_all() -> None:
    found = rows([OURS, OTHER], GOLD, limit=9)
    assert [row.note for row in found] == [
        "document 3, differing spans: 2",
        "document 2, differing spans: 1",
    ]
    assert [row.note for row in rows([OURS, OTHER], GOLD, limit=1)] == [found[0].note]


def test_the_spans_of_each_system_are_under_the_gold_ones() -> None:
    (_, row) = rows([OURS, OTHER], GOLD, limit=9)
    assert [panel.title for panel in row.panels] == [
        "gold",
        "ours: 1 missed, 0 spurious",
        "other: 1 missed, 1 spurious",
    ]
    other = row.panels[2]
    texts = {
        "".join(map("".join, zip(panel.words, panel.spaces, strict=True))) for panel in row.panels
    }
    assert texts == {TEXT}
    marks = [(" ".join(other.words[m.start : m.end]), m.label, m.error) for m in other.marks]
    assert marks == [("Bonn", "GPE", False), ("Rhine", "LOC", True)]
    assert not any(mark.error for mark in row.panels[0].marks)


def test_a_long_document_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "SHOWN_TOKENS", 3)
    row = rows([OURS, OTHER], GOLD, limit=1)[0]
    assert row.note == "document 3, differing spans: 2, the first 3 words"
    assert [mark.label for mark in row.panels[0].marks] == ["GPE"]
    assert row.panels[0].words == ["Bonn", "on", "Rhine-side,"]
    assert row.panels[2].words == ["Bonn", "on", "Rhine", "-side,"]


def test_the_first_of_several_runs_is_shown_and_the_tables_have_means() -> None:
    two = system("two", [set(), set(), set()], [{BONN}] * 3)
    assert [row.note for row in rows([two, OURS], GOLD, limit=1)] == [
        "document 1, differing spans: 2"
    ]
    types, kinds = tables([two, OURS])
    assert types.header == ["", "two", "ours"] and types.rows == [["GPE", "25.0", "0.0"]]
    missed = list(kinds.header).index("missed")
    assert [row[missed] for row in kinds.rows] == ["0.5", "0"]
    assert [row[1] for row in kinds.rows] == ["–", "–"]  # not known
