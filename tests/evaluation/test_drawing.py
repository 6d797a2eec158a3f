import re
from html import unescape

import pytest

from spacy_genner.evaluation.drawing import DrawnSpan, Panel, draw, palette


def panel(words: str, *marks: DrawnSpan) -> Panel:
    """Words with a space after each, except before "|"."""
    pieces = re.findall(r"[^ |]+[ |]?", words)
    return Panel(
        [p.rstrip(" |") for p in pieces], [" " if p.endswith(" ") else "" for p in pieces], marks
    )


def html(of: Panel) -> str:
    return str(draw(of, palette(mark.label for mark in of.marks)))


def texts(of: Panel) -> list[str]:
    """What the page shows of each token that lies in a span."""
    return [
        unescape(text)
        for text in re.findall(r'<span class="token"[^>]*><span>(.*?)</span>', html(of), re.DOTALL)
    ]


def labels(of: Panel) -> list[str]:
    found = re.findall(
        r'<span class="label"[^>]*><span class="(\w+)">(.*?) <small>(.*?)</small>', html(of)
    )
    return [unescape(" ".join(parts)) for parts in found]


def test_nested_spans_start_at_their_tokens() -> None:
    of = panel("The University of Edinburgh|'s lab", DrawnSpan(0, 4, "ORG"), DrawnSpan(3, 4, "GPE"))
    assert texts(of) == ["The ", "University ", "of ", "Edinburgh"]
    assert (
        html(of).count('class="bar"') == 4 + 1 + 2
    )  # a bar for each token of a span, another where it starts
    first, last = html(of).split("Edinburgh")
    assert first.count('class="label"') == 1 and "ORG" in first and "GPE" in last


def test_text_around_spans_keeps_its_spacing() -> None:
    plain = re.sub(
        r'<span class="token".*?(</span>){3,}',
        "#",
        html(panel("(|Bonn|)|, ok", DrawnSpan(1, 2, "GPE", "0.5"))),
    )
    assert "), ok" in plain and ") ," not in plain


def test_a_text_without_space_stays_without() -> None:
    assert texts(panel("東京|大学|は", DrawnSpan(0, 2, "ORG"))) == ["東京", "大学"]


def test_a_score_stands_beside_its_label() -> None:
    assert labels(panel("in Bonn today", DrawnSpan(1, 2, "GPE", "0.97"))) == ["narrow GPE 0.97"]


def test_an_error_has_a_sign_and_a_colour_of_its_own() -> None:
    right, wrong = (
        panel("in Bonn", DrawnSpan(1, 2, "GPE")),
        panel("in Bonn", DrawnSpan(1, 2, "GPE", error=True)),
    )
    assert labels(wrong) == ["narrow ✗ GPE "] and "var(--error)" in html(wrong)
    assert "✗" not in html(right) and "var(--error)" not in html(right)


def test_room_is_made_only_for_labels_wider_than_their_span() -> None:
    assert labels(panel("University of Bonn", DrawnSpan(0, 3, "ORG"))) == ["wide ORG "]
    assert labels(panel("Bonn", DrawnSpan(0, 1, "UNIVERSITY"))) == ["narrow UNIVERSITY "]


def test_labels_have_colours_of_their_own() -> None:
    colours = palette(["ORG", "GPE", "ORG", "LOC"])
    assert set(colours) == {"ORG", "GPE", "LOC"} and len(set(colours.values())) == 3
    of = panel("a b", DrawnSpan(0, 1, "ORG"), DrawnSpan(1, 2, "GPE"))
    assert all(colour in html(of) for colour in palette(["ORG", "GPE"]).values())


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "</span>&amp;", "{text}", "{{ 7 * 7 }}", '" onload="x']
)
def test_texts_and_labels_are_escaped(evil: str) -> None:
    of = Panel(
        [evil, "x", evil],
        ["", "", ""],
        [DrawnSpan(0, 1, evil, evil), DrawnSpan(1, 2, evil, error=True)],
    )
    shown = html(of)
    assert "<script" not in shown and '" onload' not in shown
    assert texts(of) == [evil, "x"] and labels(of) == [f"narrow {evil} {evil}", f"narrow ✗ {evil} "]
    assert unescape(shown).count(evil) >= 4


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("جامعة القاهرة", "rtl"),
        ("1. שלום world", "rtl"),
        ("hello שלום", "ltr"),
        ("🎉 12 !", "ltr"),
        ("", "ltr"),
    ],
)
def test_the_first_letter_decides_the_direction(text: str, direction: str) -> None:
    assert f"direction: {direction}" in html(panel(text))


def test_emoji_and_combining_marks_pass() -> None:
    assert texts(panel("👩‍👩‍👧 cafe\u0301 🇩🇪", DrawnSpan(0, 2, "X"))) == ["👩‍👩‍👧 ", "cafe\u0301"]


def test_white_space_tokens_inside_a_span_pass() -> None:
    of = Panel(["New", "\n\n", "York", " "], [" ", "", "", ""], [DrawnSpan(0, 3, "GPE")])
    assert texts(of) == ["New ", "York"]


def test_crossing_spans_and_two_labels_on_one_span_are_all_drawn() -> None:
    of = panel("a b c d", DrawnSpan(0, 2, "X"), DrawnSpan(1, 3, "Y"), DrawnSpan(1, 3, "Z"))
    assert sorted(label.split()[1] for label in labels(of)) == ["X", "Y", "Z"]


def test_an_empty_text_is_an_empty_panel() -> None:
    assert labels(Panel([], [], [])) == []
