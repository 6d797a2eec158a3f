from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.text import visible


@given(st.text(st.characters()))
def test_no_control_character_is_printed(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in shown)
    assert not any(unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
                   for char in shown)  # fmt: skip
    shown.encode()


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cf", "Cs"])
        | st.sampled_from("\u200c\u200d\u200e\u200f\ufeff")
    )
)
def test_all_other_characters_stay(text: str) -> None:
    """Also those that join or part letters and emoji, and the marks of Arabic and Hebrew."""
    assert visible(text) == text


def test_escapes_are_pythons() -> None:
    assert visible("\x1b]0;a\x07\n\u202e\ud83d\\") == r"\x1b]0;a\x07\n\u202e\ud83d" + "\\"
