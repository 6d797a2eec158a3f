from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.corpora.token_lists import read_gliner, read_tags
from spacy_genner.types import Entity

WORDS = ["Apple", "Inc.", "in", "Cupertino"]


def test_gliners_last_token_is_counted_in() -> None:
    record = read_gliner(
        {"tokenized_text": WORDS, "ner": [[0, 1, "organization"], [3, 3, "location"]]}, "f:1"
    )
    assert (record.text, record.tokens) == (None, WORDS)
    assert [(*span.extent, span.label) for span in record.spans] == [
        (0, 2, "organization"),
        (3, 4, "location"),
    ]


NAMES = ["O", "B-ORG", "I-ORG", "B-LOC"]


@pytest.mark.parametrize("tags", [["B-ORG", "I-ORG", "O", "B-LOC"], [1, 2, 0, 3]])
def test_tags_are_names_or_numbers(tags: Any) -> None:
    sentence = read_tags({"tokens": WORDS}, "f:1", tags, NAMES)
    assert (sentence.place, sentence.words, sentence.spaces) == ("f:1", WORDS, [True] * 4)
    (level,) = sentence.levels
    assert [entity for entity, _ in level.chunks] == [Entity(0, 2, "ORG"), Entity(3, 4, "LOC")]
    assert (level.place, list(level.lines)) == ("f:1", [1, 2, 3, 4])


def test_a_record_may_have_no_tokens() -> None:
    sentence = read_tags({"tokens": []}, "f:1", [], [])
    assert sentence.words == [] and sentence.levels[0].chunks == []
    assert read_gliner({"tokenized_text": [], "ner": []}, "f:1").spans == []


@pytest.mark.parametrize(
    ("tags", "names", "message"),
    [
        (
            [1, 2, 0, 3],
            [],
            "f:1: 1 is not a tag: expected its name, or a number with --tag-names O,B-ORG",
        ),
        ([1, 2, 0, 4], NAMES, "f:1: 4 is not a tag: expected its name, or a number from 0 to 3"),
        ([1, 2, 0, -1], NAMES, "f:1: -1 is not a tag"),
        ([1, 2, 0, True], NAMES, "f:1: True is not a tag"),
        ([1, 2, 0, 1.0], NAMES, "f:1: 1.0 is not a tag"),
        (
            [0, 0, 0, 1],
            ["O", "person"],
            "f:1: 'person' is not a tag: expected O, or one of B I E S L U",
        ),
        (["O"], NAMES, "f:1 has 4 tokens and 1 tags"),
        ("OOOO", NAMES, "f:1: the list of tags is 'OOOO': expected a list"),
    ],
)
def test_bad_tags_are_named(tags: Any, names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tags({"tokens": WORDS}, "f:1", tags, names)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"tokenized_text": "a b", "ner": []}, "f:1: `tokenized_text` is 'a b': expected a list"),
        (
            {"tokenized_text": ["a", 3], "ner": []},
            "f:1: `tokenized_text` has 3: expected only strings",
        ),
        ({"tokenized_text": ["a"]}, "f:1: `ner` is None: expected a list"),
        (
            {"tokenized_text": ["a"], "ner": [[0, 0]]},
            r"f:1 \[0, 0\] is not a span: expected \[first token, last token",
        ),
        (
            {"tokenized_text": ["a"], "ner": [[0, "0", "A"]]},
            "f:1 .* is not a span: expected whole numbers",
        ),
        (
            {"tokenized_text": ["a"], "ner": [[0, True, "A"]]},
            "f:1 .* is not a span: expected whole numbers",
        ),
        (
            {"tokenized_text": ["a"], "ner": [[0, 0, ""]]},
            "f:1 .* is not a span: .* a label that is not empty",
        ),
    ],
)
def test_bad_records_of_gliner_are_named(item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_gliner(item, "f:1")
