"""Entities from marked copies and from mentions, and the account of what was wrong with them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Listed, Marked, Mention, Repairs
from spacy_genner.nesting import nest
from spacy_genner.reading.resolve import PIECE, resolve
from spacy_genner.text import Text
from spacy_genner.types import Entity, Source
from tests.strategies import LABELS, sources, texts

LABEL_SET = ["ORG", "GPE", "per"]


def source_of(text: str) -> Source:
    """Words at spaces and, without a space before them, at "~"."""
    words = [(part, i == 0) for word in text.split(" ") for i, part in enumerate(word.split("~"))]
    return Source(tuple(word for word, _ in words), tuple(space for _, space in words))


def marked(text: str) -> Marked:
    """`{Essex}`: spans with the label ORG, the outer ones last."""
    spans, opened, plain = [], [], ""
    for part in re.split(r"([{}])", text):
        if part == "{":
            opened.append(len(plain))
        elif part == "}":
            spans.append((opened.pop(), len(plain), "ORG"))
        else:
            plain += part
    return Marked(plain, spans)


def check(
    answer: Marked | Listed, text: str, entities: list[tuple[int, int]], **repairs: int
) -> None:
    found = resolve(answer, source_of(text), LABEL_SET)
    assert found == ([Entity(*entity, "ORG") for entity in entities], Repairs(**repairs))


@pytest.mark.parametrize(
    ("copy", "text", "entities", "repairs"),
    [
        ("the {Essex Police}", "the Essex Police", [(1, 3)], {}),
        ("the {{Essex} Police}", "the Essex Police", [(1, 3), (1, 2)], {}),
        ("{Essex}", "in Essex", [(1, 2)], {"omissions": 1}),
        ("so in {Essex}", "in Essex", [(1, 2)], {"additions": 1}),
        ("in {Esex}", "in Essex", [(1, 2)], {"substitutions": 1}),
        ("IN {ESSEX}", "in Essex", [(1, 2)], {"substitutions": 2}),
        ("{University Edinburgh} it", "University of Edinburgh it", [(0, 3)], {"omissions": 1}),
        ("Sure! Here: in {Essex}", "in Essex", [(1, 2)], {"additions": 4}),
        ("in {Essex}. Note: done", "in Essex", [(1, 2)], {"additions": 4}),
        ("in {York} Essex", "in Essex", [], {"additions": 1, "missing": 1}),
        ("in {} Essex", "in Essex", [], {"missing": 1}),
        ("in Es{}sex", "in Essex", [], {"missing": 1}),
        ("", "in Essex", [], {"omissions": 2}),
        ("{x}", "", [], {"additions": 1, "missing": 1}),
    ],
)
def test_copies(
    copy: str, text: str, entities: list[tuple[int, int]], repairs: dict[str, int]
) -> None:
    if not text:
        assert resolve(marked(copy), Source((), ()), LABEL_SET) == ([], Repairs(**repairs))
    else:
        check(marked(copy), text, entities, **repairs)


@pytest.mark.parametrize(
    ("copy", "text", "entities", "repairs"),
    [
        ("{東京}都に", "東京~都~に", [(0, 1)], {}),
        ("{東京都}に行く", "東京~都~に~行く", [(0, 2)], {}),
        ("{京都}へ行った", "京都~に~行った", [(0, 1)], {"substitutions": 1}),
        ("で{京都}に", "京都~に", [(0, 1)], {"additions": 1}),
        ("{東}京都", "東京~都", [(0, 1)], {"grown": 1}),
        ("ไป{เชียงใหม่}", "ไป~เชียงใหม่", [(1, 2)], {}),
        ("( {U.S.} )", "(~U.S.~)", [(1, 2)], {}),
        ("({U}.S.)", "(~U.S.~)", [(1, 2)], {"grown": 1}),
        ("Super{man}'s", "Super~man~'s", [(1, 2)], {}),
        ("Super{man}'s", "Superman~'s", [(0, 1)], {"grown": 1}),
        ("{Super}man flew", "Super~man fled", [(0, 1)], {"substitutions": 1}),
        ("the {naïve} one", "the naïve one", [(1, 2)], {}),
    ],
)
def test_words_without_spaces(
    copy: str, text: str, entities: list[tuple[int, int]], repairs: dict[str, int]
) -> None:
    check(marked(copy), text, entities, **repairs)


def test_a_copy_with_spaces_between_all_words() -> None:
    answer = Marked("do n't go Super man", [(16, 19, "ORG")], spaced=True)
    check(answer, "do~n't go Super~man", [(4, 5)])


@given(sources())
def test_pieces_are_the_text_without_white_space(source: Source) -> None:
    text = Text(source.words, source.spaces).text
    assert "".join(PIECE.findall(text)) == "".join(text.split())


@given(sources())
def test_words_stand_where_the_text_has_them(source: Source) -> None:
    text = Text(source.words, source.spaces)
    assert [
        text.text[start:end] for start, end in zip(text.starts, text.ends, strict=True)
    ] == list(source.words)
    gaps = zip([0, *text.ends], text.starts, strict=False)
    assert [text.text[end:start] for end, start in gaps] == [
        " " * (space and i > 0) for i, space in enumerate(source.spaces)
    ]


@given(st.lists(st.sampled_from(["a", "b", "ab", "a b"]), max_size=8), st.text("ab ", max_size=4))
def test_whole_words_are_found_wherever_they_are(words: list[str], needle: str) -> None:
    text = Text(words, [True] * len(words))
    extents = [(i, j) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    same = [(i, j) for i, j in extents if text.text[text.starts[i] : text.ends[j - 1]] == needle]
    assert text.find(needle) == same


ESSEX = "Essex and~, Essex Police of Essex"


@pytest.mark.parametrize(
    ("mentions", "entities", "repairs"),
    [
        ([Mention("Essex", "ORG")], [(0, 1)], {}),
        ([Mention("Essex", "ORG")] * 3, [(0, 1), (3, 4), (6, 7)], {}),
        ([Mention("Essex", "ORG")] * 4, [(0, 1), (3, 4), (6, 7)], {"duplicate": 1}),
        ([Mention("Essex", "ORG", 2)], [(3, 4)], {}),
        ([Mention("Essex", "ORG", 2)] * 2, [(3, 4)], {"duplicate": 1}),
        (
            [Mention("Essex", "ORG", 4), Mention("Essex", "ORG", 1)],
            [(0, 1), (3, 4)],
            {"misplaced": 1},
        ),
        ([Mention("Essex", "ORG", 0)], [(0, 1)], {"misplaced": 1}),
        ([Mention("of", "ORG", 1)], [(5, 6)], {}),
        ([Mention("of", "ORG", 2)], [(5, 6)], {"misplaced": 1}),
        (
            [Mention("Police", "ORG"), Mention("Essex", "ORG")],
            [(4, 5), (6, 7)],
            {},
        ),  # a list goes from left to right
        (
            [Mention("of", "ORG"), Mention("and", "ORG"), Mention("Essex", "ORG")],
            [(1, 2), (3, 4), (5, 6)],
            {},
        ),
        ([Mention("Essex", "ORG", None, 11, 16)], [(3, 4)], {}),
        ([Mention("Essex", "ORG", None, 11, 17)], [(0, 1)], {"misplaced": 1}),
        ([Mention("Essex", "ORG", None, 11)], [(0, 1)], {"misplaced": 1}),
        ([Mention("essex  police", "ORG")], [(3, 5)], {"inexact": 1}),
        ([Mention("and ,", "ORG", None, 6, 10)], [(1, 3)], {"inexact": 1}),
        (
            [
                Mention("Esse", "ORG"),
                Mention("York", "ORG"),
                Mention("", "ORG"),
                Mention(" ", "ORG"),
            ],
            [],
            {"missing": 4},
        ),
        ([Mention("Essex Police", "ORG"), Mention(", Essex", "ORG")], [(2, 4)], {"crossing": 1}),
        ([Mention("Essex", "PLACE")], [], {"unknown": 1}),
        ([Mention("Essex", " org\n")], [(0, 1)], {"inexact": 1}),
    ],
)
def test_mentions(
    mentions: list[Mention], entities: list[tuple[int, int]], repairs: dict[str, int]
) -> None:
    check(Listed(mentions), ESSEX, entities, **repairs)


def test_each_group_goes_through_the_source() -> None:
    mentions = [
        Mention("Police", "ORG"),
        Mention("Essex", "GPE"),
        Mention("of", "ORG"),
        Mention("Essex", "GPE"),
    ]
    found, _ = resolve(Listed(mentions, grouped=True), source_of(ESSEX), LABEL_SET)
    assert sorted(found) == [
        Entity(0, 1, "GPE"),
        Entity(3, 4, "GPE"),
        Entity(4, 5, "ORG"),
        Entity(5, 6, "ORG"),
    ]


def test_occurrences_inside_of_words_are_counted() -> None:
    """As LLMs4NER does: the sentence has "he" in "They", "the" and "he"."""
    found, repairs = resolve(
        Listed([Mention("he", "ORG", 3)]), source_of("They say the man he met"), LABEL_SET
    )
    assert found == [Entity(4, 5, "ORG")] and repairs == Repairs()


def test_each_label_takes_its_own_occurrences() -> None:
    answer = Listed([Mention("Essex", "ORG"), Mention("Essex", "GPE"), Mention("Essex", "GPE")])
    found, repairs = resolve(answer, source_of(ESSEX), LABEL_SET)
    assert (
        sorted(found) == [Entity(0, 1, "GPE"), Entity(0, 1, "ORG"), Entity(3, 4, "GPE")]
        and repairs == Repairs()
    )


def test_a_label_of_its_own_name_goes_before_one_in_another_case() -> None:
    answer = Listed([Mention("Essex", label) for label in ("ORG", "org", "Org")])
    found, repairs = resolve(answer, source_of(ESSEX), ["org", "ORG"])
    assert sorted(found) == [Entity(0, 1, "ORG"), Entity(0, 1, "org"), Entity(3, 4, "org")]
    assert repairs == Repairs(inexact=1)


def test_labels_of_spans_are_checked_too() -> None:
    answer = Marked("in Essex", [(3, 8, "PLACE"), (3, 8, "gpe"), (3, 8, "GPE")])
    assert resolve(answer, source_of("in Essex"), LABEL_SET) == (
        [Entity(1, 2, "GPE")],
        Repairs(unknown=1, inexact=1, duplicate=1),
    )


def test_what_could_not_be_read_is_in_the_account() -> None:
    check(Listed([], unread=3), "in Essex", [], unread=3)


@st.composite
def answers(draw: st.DrawFn, source: Source) -> Marked | Listed:
    """Texts near the source, or anything."""
    text = Text(source.words, source.spaces).text
    at = st.integers(0, len(text))
    part = st.tuples(at, at).map(lambda edges: text[min(edges) : max(edges)]) | texts
    place = st.none() | st.integers(-2, 20)
    if draw(st.booleans()):
        copy = "".join(draw(st.lists(part, max_size=6)))
        edges = st.lists(st.integers(0, len(copy)), min_size=2, max_size=2).map(sorted)
        spans = st.tuples(edges, st.sampled_from(LABELS)).map(lambda drawn: (*drawn[0], drawn[1]))
        return Marked(copy, draw(st.lists(spans, max_size=6)), draw(st.booleans()))
    mentions = st.builds(Mention, part, st.sampled_from(LABELS), place, place, place)
    return Listed(draw(st.lists(mentions, max_size=6)))


@given(st.data())
def test_every_entity_is_accounted_for_and_fits_the_source(data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(st.lists(st.sampled_from(LABELS), unique=True))
    answer = data.draw(answers(source))
    found, repairs = resolve(answer, source, labels)
    assert nest(found) == (found, [])
    assert all(0 <= e.start < e.end <= len(source) and e.label in labels for e in found)
    given = len(answer.spans) if isinstance(answer, Marked) else len(answer.mentions)
    assert (
        given
        == len(found) + repairs.unknown + repairs.missing + repairs.crossing + repairs.duplicate
    )
