"""Labels in a config file: which ones it can hold, and in what form."""

import re
import warnings

from thinc.api import Config, ConfigValidationError

from .saved_settings import Threshold

_BROKEN = re.compile(r'.*[=:]\s*".*"', re.DOTALL)
"""The definition that is read for `per:son = "a definition"`, as a name ends at the first colon:
`son = "a definition"`."""


def check_labels(labels: dict[str, str] | list[str] | None) -> None:
    """Check that a config file can hold labels.

    Raises:
        ValueError: If a label would not be the same after saving and loading the config.
    """
    one_by_one: list[dict[str, str] | list[str]]
    if isinstance(labels, dict):
        one_by_one = [{name: definition} for name, definition in labels.items()]
    else:
        one_by_one = [[name] for name in labels or ()]
    for label in one_by_one:
        if not survives(label):
            raise ValueError(
                f"labels = {label}: a config file would read this back as something else. A name "
                "that contains : or =, or that starts with # or ; or [, must be in a list "
                "of names; give its definition to the component's `set_labels`, or in a JSON file "
                "to [initialize.components] or to the reader of a corpus. ${ means a variable"
            )


def check_label_words(
    label_words: dict[str, str], labels: dict[str, str] | list[str] | None
) -> None:
    """Check that a config file can hold the model's words for labels. Warns about words for labels
    that are not among those of the config, which only documents with label sets of their own can
    ask for.

    Raises:
        ValueError: If a word would not be the same after saving and loading the config.
    """
    if strange := set(label_words.values()) - set(labels or label_words.values()):
        warnings.warn(
            f"label_words has words for {', '.join(sorted(strange))}, which `labels` does not have",
            stacklevel=2,
        )
    for word, label in label_words.items():
        if not survives({word: label}):
            raise ValueError(
                f"label_words = {{{word!r}: {label!r}}}: a config file would read this back as "
                "something else, as it holds no word that contains : or =, or that starts with # "
                f"or ; or [. Leave it out, and use {word!r} itself as a label, in a list of names"
            )


def check_threshold(threshold: Threshold, labels: dict[str, str] | list[str] | None) -> None:
    """Check that a config file can hold a threshold. Warns about labels that are not among those of
    the config, which only documents with label sets of their own can ask for.

    Raises:
        ValueError: If a label would not be the same after saving and loading the config.
    """
    if not isinstance(threshold, dict):
        return
    if strange := threshold.keys() - set(labels or threshold):
        warnings.warn(
            f"threshold names {', '.join(sorted(strange))}, which `labels` does not have",
            stacklevel=2,
        )
    for label in threshold:
        if not survives({label: ""}):
            raise ValueError(
                f"threshold = {{{label!r}: {threshold[label]}}}: a config file would read this "
                "back as something else, as it holds no name that contains : or =, or that starts "
                "with # or ; or [. Give the mapping to the component's `threshold` in a program"
            )


def as_configured(labels: dict[str, str]) -> dict[str, str] | list[str] | None:
    """Return labels in the form in which a config holds them.

    Returns:
        The names alone if no label has a definition. None if a config cannot hold them.
    """
    written = labels if any(labels.values()) else list(labels)
    try:
        check_labels(written)
    except ValueError:
        return None
    return written


def survives(labels: dict[str, str] | list[str]) -> bool:
    """Return whether a config with these labels is the same after saving and loading it."""
    try:
        text = Config({"component": {"labels": labels}}).to_str()
        read = Config().from_str(text)["component"]["labels"]
    except ConfigValidationError:
        return False
    definitions = labels.values() if isinstance(labels, dict) else ()
    return bool(read == labels) and not any(map(_BROKEN.fullmatch, definitions))
