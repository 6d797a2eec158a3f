"""The counts of the published scripts, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.evaluation.published import AnswerFormat, Tally, gner_tally, llms4ner_tally

WORDS = ["did", "George", "Clooney", "star", "with", "the", "Beatles", "."]
TAGS = ["O", "B-actor", "I-actor", "O", "O", "O", "B-music band", "O"]
LABELS = ["actor", "music band"]


def answer(*tags: str, words: list[str] = WORDS) -> str:
    return " ".join(f"{word}({tag})" for word, tag in zip(words, tags, strict=True))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (answer(*TAGS), (2, 2, 2)),
        (answer(*TAGS).replace(") ", ")"), (2, 2, 2)),
        (
            answer(*TAGS).upper().replace("ACTOR", "actor").replace("MUSIC BAND", "music band"),
            (2, 2, 2),
        ),
        (answer(*["O"] * 8), (0, 0, 2)),
        ("", (0, 0, 2)),
        ("no tags at all", (0, 0, 2)),
        (
            answer(*TAGS[:5], "B-music band", "I-music band", "O"),
            (2, 2, 2),
        ),  # articles do not count
        (answer(*TAGS[:6], "B-band", "O"), (1, 1, 2)),  # a label that is not in the list is outside
        (answer("O", "B-actor", "B-actor", *["O"] * 5), (0, 2, 2)),
        (answer("O", "I-actor", "I-actor", *["O"] * 5), (1, 1, 2)),
        (
            answer("O", "B-music band", "I-actor", *["O"] * 5),
            (1, 1, 2),
        ),  # the last tag gives the label
        ("George(B-actor) Clooney(I-actor) Beatles(B-music band)", (2, 2, 2)),  # a subsequence
        (
            "so(O) did(O) George(B-actor) Clooney(I-actor)",
            (1, 1, 2),
        ),  # the longest common subsequence
        ("so(O) did(O) George(B-actor) Cloony(I-actor)", (0, 1, 2)),  # a changed word is outside
    ],
)
def test_gner(written: str, expected: tuple[int, int, int]) -> None:
    assert gner_tally(WORDS, TAGS, written, LABELS) == Tally(*expected)


def test_gner_counts_each_entity_of_a_text_once() -> None:
    words, tags = ["Bonn", "and", "bonn"], ["B-city", "O", "B-city"]
    assert gner_tally(words, tags, "Bonn(B-city) and(O) bonn(O)", ["city"]) == Tally(1, 1, 1)


@pytest.mark.parametrize(
    ("format", "predicted", "gold", "expected"),
    [
        (
            AnswerFormat.bracketed,
            "[[Essex | GPE] Police | ORG]",
            "[[Essex | GPE] Police | ORG]",
            (2, 2, 2),
        ),
        (AnswerFormat.bracketed, "[Essex | GPE] or Essex", "Essex or [Essex | GPE]", (0, 1, 1)),
        (
            AnswerFormat.bracketed,
            "[Essex | GPE] and Essex",
            "Essex or [Essex | GPE]",
            (1, 1, 1),
        ),  # other texts: by name
        (AnswerFormat.bracketed, " [Essex|  GPE ]", "[Essex | GPE]", (1, 1, 1)),
        (AnswerFormat.bracketed, "[Essex | GPE", "[Essex | GPE]", (0, 0, 1)),
        (AnswerFormat.bracketed, "Essex | GPE] [x | ]", "[Essex | GPE]", (0, 0, 1)),
        (
            AnswerFormat.xml,
            "<ORG><GPE>Essex</GPE> Police</ORG>",
            "<ORG>Essex <GPE>Police</GPE></ORG>",
            (1, 2, 2),
        ),
        (AnswerFormat.xml, "<ORG>x <GPE>y</ORG> z</GPE>", "<ORG>x <GPE>y</GPE></ORG> z", (1, 1, 2)),
        (AnswerFormat.xml, "<GPE>x</GPE> y <PER>z</PER>", "<GPE>x</GPE> z", (1, 1, 1)),
        (AnswerFormat.xml, "<GPE></GPE>x</GPE>", "x", (0, 0, 0)),
        (
            AnswerFormat.grouped,
            '{"A": ["x", "x", 3], "B": "y"}',
            '{"A": ["x", "3"], "B": ["y"]}',
            (2, 3, 3),
        ),
        (AnswerFormat.grouped, '{"A": ["x"]', '{"A": ["x"]}', (0, 0, 1)),
        (AnswerFormat.grouped, '["x"]', {"A": ["x"]}, (0, 0, 1)),
        (
            AnswerFormat.occurrence,
            '[{"text": "x", "label": "A", "occurrence_index": "1"}, {"text": "x", "label": "A"}, '
            "3]",
            '[{"text": "x", "label": "A", "occurrence_index": 1}]',
            (1, 1, 1),
        ),
        (
            AnswerFormat.occurrence,
            '[{"text": "x", "label": "A", "occurrence_index": 1}, '
            '{"text": "y", "label": "A", "occurrence_index": ""}]',
            '[{"text": "x", "label": "A", "occurrence_index": 1}]',
            (0, 0, 1),
        ),
        (
            AnswerFormat.offset,
            '[{"text": "x", "label": "A", "start": 0, "end": 1}, '
            '{"text": "x", "label": "A", "start": 3, "end": 4}]',
            [{"text": "x", "label": "A", "start": 0, "end": 1}],
            (1, 2, 1),
        ),
        (AnswerFormat.offset, '{"text": "x"}', "[]", (0, 0, 0)),
        (
            AnswerFormat.offset,
            '[{"text": "x", "label": "A", "start": Infinity, "end": 1}]',
            "[]",
            (0, 0, 0),
        ),
        (AnswerFormat.offset, 3, "[" * 100_000, (0, 0, 0)),
    ],
)
def test_llms4ner(
    format: AnswerFormat, predicted: Any, gold: Any, expected: tuple[int, int, int]
) -> None:
    assert llms4ner_tally(format, predicted, gold, ["ORG", "GPE"]) == Tally(*expected)


def test_tallies_add_up() -> None:
    total = sum([Tally(1, 2, 3), Tally(1, 0, 1)], Tally())
    assert total == Tally(2, 2, 4) and total.f == pytest.approx(2 / 3)
    assert Tally().f == 0
