"""What is common to copies with marks around their entities."""

from __future__ import annotations

import re

import pytest

from spacy_genner.formats.inline import Marks


def marks(opens: list[str], closes: list[str]) -> Marks:
    """Marks that decide no label."""
    return Marks(
        [(text, None) for text in opens], {None: [(text, None) for text in closes]}, "", str
    )


def test_opening_marks_may_follow_a_space() -> None:
    assert marks(["<", "("], [">"]).texts() == ["<", " <", "(", " (", ">"]


def test_a_closing_mark_of_several_labels_is_named_once() -> None:
    closes = {label: [("]", None)] for label in ("ORG", "GPE")}
    assert Marks([("[ORG:", "ORG"), ("[GPE:", "GPE")], closes, " ", str).texts() == [
        *("[ORG:", " [ORG:", "[GPE:", " [GPE:", "]")
    ]


@pytest.mark.parametrize(
    ("opens", "closes", "one", "other"),
    [
        (["**"], ["**(ORG)", "**(GPE)"], "**", "**(GPE)"),  # **Essex Police**(ORG)
        (["<", "<<"], [">"], " <", " <<"),
        (["<"], [">", ">ORG"], ">", ">ORG"),
        (["|"], ["|"], "|", "|"),
        (["["], [" [/ORG]"], " [", " [/ORG]"),  # an opening mark may follow a space
    ],
)
def test_marks_that_begin_alike_are_refused(
    opens: list[str], closes: list[str], one: str, other: str
) -> None:
    clash = re.escape(f"{one!r} and {other!r} cannot be told apart")
    with pytest.raises(ValueError, match=f"{clash}.*: choose other marks for the format"):
        marks(opens, closes).texts()
