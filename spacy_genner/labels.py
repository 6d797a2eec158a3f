"""The label set: names in a fixed order, with optional definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Labels = dict[str, str]
"""Label → definition (empty if it has none). The order is part of the meaning: it breaks ties and shapes the prompt."""


def as_labels(labels: Mapping[str, str] | Iterable[str] | None) -> Labels:
    """Labels from what a configuration may hold: a mapping to definitions, a list of names, or nothing.

    Raises: ValueError for a name that is empty or only white space, TypeError for one that is not a string.
    """
    if isinstance(labels, str):
        raise TypeError(f"labels = {labels!r} is one string: give a list of names, or names with their definitions")
    pairs = labels.items() if isinstance(labels, Mapping) else ((name, "") for name in labels or ())
    result: Labels = {}
    for name, definition in pairs:
        if not isinstance(name, str) or not isinstance(definition, str):
            raise TypeError(f"label {name!r} with the definition {definition!r}: both must be strings")
        if not name.strip():
            raise ValueError(f"label {name!r} is empty: give every label a name")
        result[name] = definition
    return result
