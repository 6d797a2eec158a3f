from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.corpora.record import RawSpan
from spacy_genner.corpora.units import Units, in_characters

TEXTS = st.text(st.sampled_from("a é😀𝔸\r\n\ufe0f"), max_size=20)
UNITS = st.builds(Units, st.booleans(), st.booleans())


def raw(start: int, end: int, *texts: str) -> RawSpan:
    return RawSpan("f:1", "A", ((start, end),), texts)


def units_of(text: str, units: Units) -> int:
    """How long a text is."""
    text = text.replace("\r\n", "\n") if units.crlf else text
    return len(text.encode("utf-16-le")) // 2 if units.utf16 else len(text)


@given(TEXTS, UNITS)
def test_offsets_count_what_comes_before(text: str, units: Units) -> None:
    found = units.characters(text)
    assert all(units_of(text[:i], units) == offset for offset, i in found.items())
    assert max(found) == units_of(text, units) and found[max(found)] == len(text)
    assert len(found) == len(text) + 1 - (text.count("\r\n") if units.crlf else 0)


@given(TEXTS, UNITS, st.data())
def test_texts_tell_the_units(text: str, units: Units, data: st.DataObject) -> None:
    """Spans with their texts are read as they were meant, whatever else their offsets might
    count."""
    places = {i: offset for offset, i in units.characters(text).items()}
    edges = st.sampled_from(sorted(places))
    meant = [sorted(pair) for pair in data.draw(st.lists(st.tuples(edges, edges), max_size=4))]
    spans = [raw(places[start], places[end], text[start:end]) for start, end in meant]
    _, found = in_characters(text, spans, data.draw(st.booleans()))
    assert all(not span.fault(text) for span in found)


def test_half_of_a_character_is_no_place() -> None:
    assert Units(utf16=True).characters("a😀b") == {0: 0, 1: 1, 3: 2, 4: 3}
    assert Units(crlf=True).characters("a\r\nb") == {0: 0, 1: 1, 2: 3, 3: 4}


@pytest.mark.parametrize(
    ("spans", "utf16", "units", "parts"),
    [
        ([raw(2, 6)], False, Units(), [(2, 6)]),
        ([raw(2, 6)], True, Units(utf16=True), [(1, 5)]),
        ([raw(3, 7)], True, Units(utf16=True), [(2, 6)]),
        ([raw(3, 7)], False, Units(), [(3, 7)]),
        ([raw(3, 7, "Bonn")], False, Units(utf16=True), [(2, 6)]),
        ([raw(2, 6, "Bonn")], True, Units(), [(2, 6)]),
        ([raw(0, 10)], False, Units(), [(0, 10)]),
        ([raw(0, 12)], False, Units(utf16=True), [(0, 11)]),
        ([raw(3, 7, "Bonn"), raw(9, 11)], False, Units(utf16=True), [(2, 6), (8, 10)]),
        (
            [raw(3, 7, "Bonn"), raw(0, 1, "x"), raw(7, 10, " am")],
            False,
            Units(utf16=True),
            [(2, 6), (0, -1), (6, 9)],
        ),
        ([raw(3, 7, "Ulm")], False, Units(), [(3, 7)]),
    ],
)
def test_the_units_that_fit_most_spans(
    spans: list[RawSpan], utf16: bool, units: Units, parts: list[tuple[int, int]]
) -> None:
    found, moved = in_characters("😀 Bonn am R", spans, utf16)
    assert found == units and [span.extent for span in moved] == parts


def test_many_spans_take_no_time() -> None:
    text = "😀 Bonn " * 3_000
    spans = [raw(8 * i + 3, 8 * i + 7, "Bonn") for i in range(3_000)]
    units, moved = in_characters(text, spans, False)
    assert units == Units(utf16=True) and all(not span.fault(text) for span in moved)


def test_texts_without_such_characters_have_one_reading() -> None:
    spans = [raw(0, 9, "x")]
    assert in_characters("Bonn", spans, True) == (Units(), spans)
