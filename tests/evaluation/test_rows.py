import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_genner.evaluation import rows
from spacy_genner.evaluation.rows import row
from spacy_genner.evaluation.spans import read_spans


def found(
    doc: Doc, *spans: tuple[int, int, str], scores: list[float] | None = None
) -> list[tuple[Span, float | None]]:
    doc.spans["sc"] = [Span(doc, *span) for span in spans]
    if scores:
        doc.spans["sc"].attrs["scores"] = np.array(scores)
    return read_spans(doc, "spans", "sc")


@pytest.fixture
def doc() -> Doc:
    return spacy.blank("en")("We don't like New York.")


def test_what_the_other_side_lacks_is_an_error(doc: Doc) -> None:
    gold = doc.copy()
    made = row(
        doc, found(doc, (4, 6, "GPE"), (4, 5, "X")), gold, found(gold, (4, 6, "GPE"), (4, 6, "ORG"))
    )
    marks = {
        panel.title: [(mark.label, mark.error) for mark in panel.marks] for panel in made.panels
    }
    assert marks == {
        "gold": [("GPE", False), ("ORG", True)],
        "predicted": [("GPE", False), ("X", True)],
    }
    assert made.errors == ["1 missed", "1 spurious"]


def test_sides_may_have_other_tokens(doc: Doc) -> None:
    gold = Doc(
        Vocab(),
        words=["We", "don't", "like", "New York", "."],
        spaces=[True, True, True, False, False],
    )
    made = row(doc, found(doc, (4, 6, "GPE")), gold, found(gold, (3, 4, "GPE")))
    assert made.errors == []


def test_without_gold_nothing_is_an_error(doc: Doc) -> None:
    made = row(doc, found(doc, (4, 6, "GPE"), scores=[0.876]))
    (panel,) = made.panels
    assert made.errors == () and panel.title == ""
    assert [(mark.start, mark.end, mark.note, mark.error) for mark in panel.marks] == [
        (4, 6, "0.88", False)
    ]
    assert "".join(map("".join, zip(panel.words, panel.spaces, strict=True))) == doc.text


def test_a_long_document_is_cut_and_says_so(doc: Doc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SHOWN_TOKENS", 5)
    made = row(doc, found(doc, (0, 1, "A"), (4, 6, "GPE"), (5, 6, "B")))
    assert made.note == "the first 5 of 7 tokens"
    (panel,) = made.panels
    assert len(panel.words) == 5 and [mark.label for mark in panel.marks] == ["A"]
