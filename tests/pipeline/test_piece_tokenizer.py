"""A tokenizer that cuts a text at every change between letters and other characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

CONFIG = {"nlp": {"tokenizer": {"@tokenizers": "spacy_genner.PieceTokenizer.v1"}}}
NLP = spacy.blank("en", config=CONFIG)


def words(text: str, nlp: Any = NLP) -> list[str]:
    return [token.text for token in nlp(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("(IL-2)-induced NF-kappa B.", "( IL - 2 ) - induced NF - kappa B ."),
        ("Don't pay $1,234.50!", "Don ' t pay $ 1 , 234 . 50 !"),
        ("naïve café", "naïve café"),
        ("AKB48は東京", "AKB48 は 東 京"),
    ],
)
def test_a_token_is_a_run_of_letters_and_digits_or_another_character(
    text: str, tokens: str
) -> None:
    assert words(text) == tokens.split(" ")


def test_white_space_is_kept_as_spacy_keeps_it() -> None:
    doc = NLP(" a  b\n c ")
    assert [(token.text, token.whitespace_) for token in doc] == [
        (token.text, token.whitespace_) for token in spacy.blank("en")(" a  b\n c ")
    ]


@given(st.text())
def test_any_text_is_kept(text: str) -> None:
    assert NLP.tokenizer(text).text == text


def test_a_saved_pipeline_has_it(tmp_path: Path) -> None:
    NLP.to_disk(tmp_path)
    assert words("c-Fos", spacy.load(tmp_path)) == ["c", "-", "Fos"]
    copy = spacy.blank("en", config=CONFIG).from_bytes(NLP.to_bytes())
    assert words("c-Fos", copy) == ["c", "-", "Fos"]


@pytest.mark.parametrize("lang", ["ja", "th", "xx"])
def test_it_suits_a_language_whose_own_tokenizer_needs_another_package(lang: str) -> None:
    assert words("東京", spacy.blank(lang, config=CONFIG)) == ["東", "京"]
