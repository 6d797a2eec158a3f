from __future__ import annotations

from pathlib import Path

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_genner.corpora.columns import Layout, read_columns
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.tags import Scheme
from spacy_genner.corpora.words import sentence_doc, words_doc
from spacy_genner.types import Entity


def convert(words: list[str], *entities: Entity) -> tuple[Doc, list[Entity], Report]:
    report = Report()
    doc, moved = words_doc(Vocab(), words, [True] * len(words), entities, "f:1", report)
    return doc, moved, report


def test_words_become_tokens() -> None:
    doc, entities, report = convert(["New", "York", "!"], Entity(0, 2, "LOC"))
    assert [token.text for token in doc] == ["New", "York", "!"] and doc.text == "New York ! "
    assert entities == [Entity(0, 2, "LOC")] and not report.changed


def test_spaces_follow_the_words() -> None:
    doc, _ = words_doc(Vocab(), ["a", "", "b", "c"], [False, True, True, False], [], "", Report())
    assert doc.text == "ab c"


@pytest.mark.parametrize("blank", ["", " ", "\t", "\xa0", "\u3000"])
def test_blank_words_are_left_out_and_entities_move(blank: str) -> None:
    spans = [Entity(0, 1, "A"), Entity(1, 3, "B"), Entity(1, 2, "C"), Entity(2, 4, "D")]
    doc, entities, report = convert(["a", blank, "b", "c"], *spans)
    assert [token.text for token in doc] == ["a", "b", "c"]
    assert entities == [Entity(0, 1, "A"), Entity(1, 2, "B"), Entity(1, 1, "C"), Entity(1, 3, "D")]
    assert report.changed == {"empty word left out": 1} and report.places[
        "empty word left out"
    ] == ["f:1"]


def test_white_space_around_a_word_is_cut_off() -> None:
    doc, _, report = convert(["MH17 ", "ke s"])
    assert [token.text for token in doc] == ["MH17", "ke s"]
    assert report.changed == {"white space cut off a word": 1}
    assert report.places["white space cut off a word"] == ["f:1 'MH17 '"]


def test_no_words() -> None:
    doc, entities, report = convert([""])
    assert len(doc) == 0 and entities == [] and report.changed["empty word left out"] == 1


def test_sentences_bring_all_levels_and_report_invalid_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Kölner\tB-ORG\tI-LOC\nZoo\tI-ORG\tO\n", encoding="utf-8")
    (sentence,) = read_columns(path, Layout(tags=(1, 2)))
    report = Report()
    doc, entities = sentence_doc(sentence, Scheme.iob2, Vocab(), report)
    assert doc.text == "Kölner Zoo " and entities == [Entity(0, 2, "ORG"), Entity(0, 1, "LOC")]
    assert report.read == 2
    assert report.changed == {"tags not valid in iob2": 1}
    assert report.places["tags not valid in iob2"] == [f"{path}:1 I LOC"]
