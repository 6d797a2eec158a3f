from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_genner.corpora.checking import read_docs, sections, warnings
from spacy_genner.corpora.statistics import statistics

NLP = spacy.blank("xx")


def doc(text: str, *spans: tuple[int, int, str]) -> Doc:
    made = NLP.make_doc(text)
    made.spans["sc"] = [Span(made, *span) for span in spans]
    return made


def test_warnings_name_what_deserves_a_look() -> None:
    train = statistics([doc("a b  c", (0, 3, "A")), doc("d e", (0, 1, "B"))], window=2)
    dev = statistics([doc("f g", (0, 1, "B"), (1, 2, "C"))], window=2)
    assert warnings(train, dev, "sc", 2) == [
        "train: labels that the other part lacks: A",
        "train: 1 documents are split: longer than the window of 2 tokens",
        "train: 1 spans start or end with white space",
        "dev: labels that the other part lacks: C",
    ]


def test_good_corpora_give_no_warning() -> None:
    assert (
        warnings(
            statistics([doc("a b", (0, 1, "A"))]), statistics([doc("c d", (0, 1, "A"))]), "sc", 256
        )
        == []
    )


def test_the_measures_of_a_corpus_as_tables() -> None:
    part = statistics([doc("a b c", (0, 3, "B"), (0, 1, "A")), doc("d")], window=2)
    assert sections(part, 2) == {
        "Documents": {
            "documents": 2,
            "without spans": 1,
            "tokens": 4,
            "longest document": 3,
            "over 2 tokens": 1,
        },
        "Spans": {
            "spans": 2,
            "nested": "50.0%",
            "on white space": 0,
            "longer than the window": 1,
            "depth 1": 1,
            "depth 2": 1,
        },
        "Labels": {"A": 1, "B": 1},
    }


def test_the_documents_of_a_file(tmp_path: Path) -> None:
    DocBin(docs=[doc("a b"), doc("")]).to_disk(tmp_path / "train.spacy")
    assert [read.text for read in read_docs(tmp_path / "train.spacy")] == ["a b", ""]


def test_a_file_without_documents_is_refused(tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "train.spacy")
    with pytest.raises(ValueError, match=r"train\.spacy: there is no document in it"):
        read_docs(tmp_path / "train.spacy")


@pytest.mark.parametrize("content", [b"garbage", b""])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "train.spacy").write_bytes(content)
    with pytest.raises(ValueError, match=r"train\.spacy is not a \.spacy file"):
        read_docs(tmp_path / "train.spacy")
