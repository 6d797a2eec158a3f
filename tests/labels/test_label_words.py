from __future__ import annotations

import pytest

from spacy_genner.labels.label_words import as_label_words, words_of

LABELS = {"PER": "a person", "ORG": "", "GPE": "a place"}


def test_a_label_without_a_word_is_its_own_word() -> None:
    assert words_of(LABELS, {}) == {"PER": "PER", "ORG": "ORG", "GPE": "GPE"}
    assert words_of(LABELS, {"person": "PER"}) == {"person": "PER", "ORG": "ORG", "GPE": "GPE"}
    assert words_of({}, {"person": "PER"}) == {}


def test_words_are_in_the_order_of_the_labels_and_then_in_their_own() -> None:
    label_words = {"group": "ORG", "city": "GPE", "company": "ORG", "country": "GPE"}
    assert list(words_of(LABELS, label_words)) == ["PER", "group", "company", "city", "country"]


def test_a_word_for_a_label_that_is_not_asked_for_is_not_asked_for() -> None:
    label_words = {"person": "PER", "company": "ORG"}
    assert words_of({"ORG": ""}, label_words) == {"company": "ORG"}
    assert words_of({"person": "", "ORG": ""}, label_words) == {
        "person": "person",
        "company": "ORG",
    }


def test_words_may_be_the_names_of_other_labels_that_have_words() -> None:
    assert words_of(LABELS, {"ORG": "GPE", "GPE": "ORG"}) == {
        "PER": "PER",
        "GPE": "ORG",
        "ORG": "GPE",
    }


@pytest.mark.parametrize(
    ("label_words", "labels", "message"),
    [
        ({"ORG": "PER"}, LABELS, "words 'ORG' and 'ORG' for the labels 'PER' and 'ORG' cannot"),
        ({"ORG": "GPE"}, LABELS, "words 'ORG' and 'ORG' for the labels 'ORG' and 'GPE' cannot"),
        ({"ORG ": "PER"}, LABELS, "words 'ORG ' and 'ORG' for the labels 'PER' and 'ORG' cannot"),
    ],
)
def test_a_word_for_two_labels_is_refused(
    label_words: dict[str, str], labels: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=f"{message} .*: change `label_words`, or ask for only"):
        words_of(labels, label_words)
    assert words_of({"PER": "", "GPE": ""}, label_words)


def test_words_of_a_configuration() -> None:
    assert as_label_words(None) == as_label_words({}) == {}
    words = {"person": "PER", "company": "ORG", "group": "ORG"}
    assert as_label_words(words) == words
    assert as_label_words(words) is not words


@pytest.mark.parametrize(
    ("label_words", "message"),
    [
        ({" ": "PER"}, "label_words: label ' ' is empty"),
        ({"person": ""}, "label_words: label '' is empty"),
        ({"person": "PER", "person ": "PER"}, "label_words: .*'person' and 'person ' differ only"),
        ({"person": "PER", "man": "PER "}, "label_words: .*'PER' and 'PER ' differ only"),
        ({"\ud800": "PER"}, "label_words: .*surrogate"),
    ],
)
def test_words_that_cannot_be_asked_for_are_refused(
    label_words: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        as_label_words(label_words)
