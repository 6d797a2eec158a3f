"""The words by which a model knows labels, where they are not the names of the labels."""

from __future__ import annotations

from collections.abc import Mapping

from .label_set import Labels, as_labels, by_core


def as_label_words(label_words: Mapping[str, str] | None) -> dict[str, str]:
    """Make words of what a configuration may hold: the model's words, each with its label, or
    nothing.

    Raises:
        ValueError: If a word or a label cannot be the name of a label; see `as_labels`.
        TypeError: If a word or a label is not a string.
    """
    words = dict(label_words or {})
    try:
        as_labels(words)
        as_labels(words.values())
    except ValueError as error:
        raise ValueError(f"label_words: {error}") from error
    return words


def words_of(labels: Labels, label_words: Mapping[str, str]) -> dict[str, str]:
    """Return the words with which a label set is asked for, each with the label that it means.

    They are in the order of the labels, and the words of one label in the order in which they were
    given. A label without a word is its own word.

    Args:
        labels: The labels to ask for.
        label_words: The model's words, each with its label, which need not be one of `labels`.

    Raises:
        ValueError: If a word of one label is the name of another label, which has no word.
    """
    pairs = list[tuple[str, str]]()
    for label in labels:
        words = [word for word, meant in label_words.items() if meant == label]
        pairs += [(word, label) for word in words or [label]]
    for twins in by_core(word for word, _ in pairs).values():
        if len(twins) > 1:
            meant = [repr(label) for word, label in pairs if word in twins]
            raise ValueError(
                f"the model's words {' and '.join(map(repr, twins))} for the labels "
                f"{' and '.join(meant)} cannot be told apart: change `label_words`, or ask for "
                "only one of these labels"
            )
    return dict(pairs)
