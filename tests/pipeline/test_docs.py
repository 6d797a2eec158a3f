from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_genner.pipeline.docs import (
    Reading,
    blocked,
    gold_spans,
    unblocked,
    write_ents,
    write_spans,
)
from spacy_genner.types import GAPS, Entity
from tests.pipeline.scripted import marked, named

VOCAB = Vocab()
READ = Reading()
WHITE = ["\n", " ", "\t ", "\u3000", "\xa0\n"]


def doc_of(*words: str, spaces: list[bool] | None = None, **annotation: Any) -> Doc:
    return Doc(VOCAB, words=list(words), spaces=spaces, **annotation)


tokens = st.lists(
    st.tuples(st.sampled_from(["a", "東", "👍🏽", "e\u0301", "|", *WHITE]), st.booleans()),
    max_size=12,
)


@given(tokens)
def test_a_source_is_the_text_with_single_spaces_and_lines(drawn: list[tuple[str, bool]]) -> None:
    doc = doc_of(*(word for word, _ in drawn), spaces=[space for _, space in drawn])
    read = READ(doc)
    copy = "".join(
        GAPS[space] + word
        for word, space in zip(read.source.words, read.source.spaces, strict=True)
    )
    assert copy.split() == doc.text.split()
    assert [line.split() for line in copy.splitlines() if line.strip()] == [
        line.split() for line in doc.text.splitlines() if line.strip()
    ]
    assert len(read.tokens) == len(read.source)
    assert [doc[i].text for i in read.tokens] == list(read.source.words)


@given(tokens, st.data())
def test_a_span_and_its_entity_are_the_same_but_for_white_space_at_the_edges(
    drawn: list[tuple[str, bool]], data: st.DataObject
) -> None:
    doc = doc_of(*(word for word, _ in drawn), spaces=[space for _, space in drawn])
    start, end = sorted(data.draw(st.lists(st.integers(0, len(doc)), min_size=2, max_size=2)))
    span, read = Span(doc, start, end, label="X"), READ(doc)
    entity = read.entity(span)
    if not any(word.strip() for word, _ in drawn[start:end]):
        assert entity.start == entity.end
    else:
        back = read.span(doc, entity)
        assert start <= back.start < back.end <= end
        assert (back.text.strip(), back.label_) == (span.text.strip(), "X")
        assert back[0].text.strip() and back[-1].text.strip()


def test_spaces_of_any_kind_are_one_space() -> None:
    read = READ(
        doc_of("\u3000", "a", "\t", "b", "c", "d", spaces=[False, False, False, True, False, False])
    )
    assert read.source.words == ("a", "b", "c", "d")
    assert read.source.spaces == (True, True, True, False)
    assert read.tokens == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("white_space", "gap"),
    [
        ("", 0),
        (" ", 1),
        ("\t \xa0", 1),
        ("\n", 2),
        (" \r\n  ", 2),
        ("\u2028", 2),
        ("\n\n", 3),
        ("\r\n \r\n", 3),
        ("\n" * 9, 3),
    ],
)
def test_white_space_is_nothing_a_space_a_line_break_or_a_blank_line(
    white_space: str, gap: int
) -> None:
    doc = doc_of(
        "a", *([white_space] if white_space else []), "b", spaces=[False] * (2 + bool(white_space))
    )
    assert READ(doc).source.spaces == (0, gap)
    assert READ(doc).lines == ([1] if gap > 1 else [])
    plain = Reading(line_breaks=False)(doc)
    assert plain.source.spaces == (0, gap > 0) and plain.lines == READ(doc).lines


def test_white_space_at_the_edges_of_a_token_is_white_space() -> None:
    assert READ(doc_of("a\n", "b", " \n\nc", spaces=[False] * 3)).source.spaces == (0, 2, 3)


@pytest.mark.parametrize("words", [[], ["\n"], ["\n", "  ", "\t"]])
def test_a_document_of_white_space_is_an_empty_source(words: list[str]) -> None:
    assert len(READ(doc_of(*words)).source) == 0


def test_white_space_inside_a_token_is_kept_and_around_it_left_out() -> None:
    assert READ(doc_of("New York", " of ", "a\n")).source.words == ("New York", "of", "a")


def test_a_very_long_token_is_shortened_and_stays_one_token() -> None:
    doc = doc_of("see", "x" * 60_000 + "y" * 40_000, "there")
    read = READ(doc)
    assert read.source.words == ("see", "x" * 50 + "y" * 50, "there")
    assert len(read.span(doc, Entity(1, 2, "X")).text) == 100_000
    assert READ(doc_of("x" * 100)).source.words == ("x" * 100,)


def test_sentence_starts_are_places_in_the_source() -> None:
    doc = doc_of(
        "\n", "a", ".", "\n", "b", ".", sent_starts=[True, False, False, True, False, False]
    )
    assert READ(doc).sentences == [0, 2]
    assert READ(doc).source.starts == (True, False, True, False)
    assert Reading(sentence_starts=False)(doc).source.starts == ()
    assert Reading(sentence_starts=False)(doc).sentences == [0, 2]  # where windows are cut


def test_a_start_on_white_space_is_one_of_the_next_token() -> None:
    """As in spaCy, where an entity across the white space would cross it."""
    doc = doc_of("a", "\n", "b", "c", sent_starts=[True, True, False, False])
    assert READ(doc).source.starts == (True, True, False)


def test_a_document_without_sentences_has_no_starts() -> None:
    assert READ(doc_of("a", ".", "b")).sentences is None
    assert READ(doc_of("a", ".", "b")).source.starts == ()


def test_starts_can_be_given() -> None:
    assert READ(doc_of("a", "b"), [None, True]).source.starts == (False, True)


def test_gold_spans_come_from_the_group_before_the_entities() -> None:
    doc = doc_of("a", "b", ents=["B-X", "O"])
    doc.spans["sc"] = [Span(doc, 0, 2, label="Y"), Span(doc, 0, 1, label="Z")]
    assert named(gold_spans(doc, "sc") or []) == [("a b", "Y"), ("a", "Z")]
    assert named(gold_spans(doc, "other") or []) == [("a", "X")]


def test_gold_spans_tell_no_entities_from_no_annotation() -> None:
    assert gold_spans(doc_of("a", ents=["O"]), "sc") == []
    assert gold_spans(doc_of("a"), "sc") is None
    empty = doc_of("a")
    empty.spans["sc"] = []
    assert gold_spans(empty, "sc") == []


def test_scores_stand_beside_their_spans() -> None:
    doc = doc_of("a", "b")
    write_spans(
        doc, "sc", ((Span(doc, i, 2, label="X"), score) for i, score in [(0, 0.25), (1, 1.0)])
    )
    assert marked(doc) == [(0, 2, "X", 0.25), (1, 2, "X", 1.0)]
    scores = doc.spans["sc"].attrs["scores"]
    assert (type(scores), scores.dtype, scores.shape) == (np.ndarray, np.dtype("float32"), (2,))
    assert doc.spans["sc"].name == "sc"


def test_no_spans_are_an_empty_group_with_no_scores() -> None:
    doc = doc_of("a")
    doc.spans["sc"] = [Span(doc, 0, 1, label="old")]
    write_spans(doc, "sc", [])
    assert len(doc.spans["sc"]) == 0
    assert doc.spans["sc"].attrs["scores"].shape == (0,)


#         a  b  c  d  e
LADDER = [(0, 4, 0.2), (0, 2, 0.5), (1, 2, 0.9), (4, 5, 0.3)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("outermost", ["a b c d", "e"]), ("best", ["b", "e"])],
)
def test_the_policy_decides_among_overlapping_spans(policy: str, expected: list[str]) -> None:
    doc = doc_of(*"abcde")
    write_ents(
        doc,
        [(Span(doc, start, end, label="X"), score) for start, end, score in LADDER],
        policy,
        False,
    )
    assert [ent.text for ent in doc.ents] == expected


def test_ties_go_to_the_score_among_the_longest_and_to_the_longest_among_the_best() -> None:
    doc = doc_of(*"ab")
    twice = [(Span(doc, 0, 2, label="LOW"), 0.1), (Span(doc, 0, 2, label="HIGH"), 0.2)]
    write_ents(doc, twice, "outermost", False)
    assert named(doc.ents) == [("a b", "HIGH")]
    equal = [(Span(doc, 0, 1, label="SHORT"), 0.5), (Span(doc, 0, 2, label="LONG"), 0.5)]
    write_ents(doc, equal, "best", True)
    assert named(doc.ents) == [("a b", "LONG")]


@pytest.mark.parametrize(
    ("overwrite", "expected"),
    [(False, [("b c", "RULE"), ("d", "NEW")]), (True, [("a b", "NEW"), ("d", "NEW")])],
)
def test_preset_entities_stay_or_go_where_they_overlap(
    overwrite: bool, expected: list[tuple[str, str]]
) -> None:
    doc = doc_of(*"abcd", ents=["O", "B-RULE", "I-RULE", "O"])
    write_ents(
        doc,
        [(Span(doc, 0, 2, label="NEW"), 1.0), (Span(doc, 3, 4, label="NEW"), 1.0)],
        "outermost",
        overwrite,
    )
    assert named(doc.ents) == expected


def test_preset_entities_keep_their_identifiers() -> None:
    doc = doc_of(*"ab")
    doc.ents = [Span(doc, 0, 1, label="RULE", kb_id="Q1", span_id="id-7")]
    write_ents(doc, [(Span(doc, 1, 2, label="NEW"), 1.0)], "outermost", True)
    assert [(ent.text, ent.kb_id_, ent.id_) for ent in doc.ents] == [
        ("a", "Q1", "id-7"),
        ("b", "", ""),
    ]


@pytest.mark.parametrize("start", [0, 1])
def test_an_entity_does_not_inherit_the_identifiers_of_the_one_that_it_replaces(start: int) -> None:
    doc = doc_of(*"abc")
    doc.ents = [Span(doc, 1, 3, label="RULE", kb_id="Q1", span_id="id-7")]
    write_ents(doc, [(Span(doc, start, 2, label="NEW"), 1.0)], "outermost", True)
    assert [(ent.start, ent.end, ent.kb_id_, ent.id_) for ent in doc.ents] == [(start, 2, "", "")]
    assert [(token.ent_id_, token.ent_kb_id_) for token in doc] == [("", "")] * 3


def test_every_other_token_is_outside() -> None:
    doc = doc_of(*"ab")
    write_ents(doc, [], "outermost", False)
    assert [token.ent_iob_ for token in doc] == ["O", "O"]
    assert doc.has_annotation("ENT_IOB", require_complete=True)


def test_missing_annotation_is_made_and_blocks_stay() -> None:
    doc = doc_of(*"abcd")
    doc.set_ents([], blocked=[doc[1:3]], default="missing")
    assert [span.text for span in blocked(doc)] == ["b", "c"]
    write_ents(doc, [(Span(doc, 3, 4, label="NEW"), 1.0)], "outermost", True)
    assert [(token.ent_iob_, token.ent_type_) for token in doc] == [
        ("O", ""),
        ("B", ""),
        ("B", ""),
        ("B", "NEW"),
    ]
    assert named(doc.ents) == [("d", "NEW")]
    assert blocked(doc_of(*"ab", ents=["B-X", "O"])) == blocked(doc_of(*"ab")) == []


def test_spans_that_touch_a_block_are_left_out() -> None:
    doc = doc_of(*"abcd")
    doc.set_ents([], blocked=[doc[1:3]])
    spans = [
        (Span(doc, start, end, label="X"), 1.0) for start in range(4) for end in range(start + 1, 5)
    ]
    assert [span.text for span, _ in unblocked(doc, spans)] == ["a", "d"]


def test_a_whole_text_is_read_as_spacy_tokenises_it() -> None:
    doc = spacy.blank("xx")("  O'Neil's\n\n(c-fos)  won’t 🇬🇧.")
    read = READ(doc)
    assert [doc[i].text for i in read.tokens] == list(read.source.words)
    assert read.source.spaces[0] and not read.source.spaces[1]
