"""The label set: names in a fixed order, with optional definitions."""

from collections.abc import Iterable, Mapping

Labels = dict[str, str]
"""Label → definition (empty if it has none). The order is part of the meaning: it breaks ties and
shapes the prompt."""


def as_labels(labels: Mapping[str, str] | Iterable[str] | None) -> Labels:
    """Labels from what a configuration may hold: a mapping to definitions, a list of names, or
    nothing.

    Raises:
        ValueError: For a name that is empty or only white space, for two that differ in white space
            at their edges only, and for texts that cannot be encoded.
        TypeError: For names and definitions that are not strings.
    """
    if isinstance(labels, str):
        raise TypeError(
            f"labels = {labels!r} is one string: give a list of names, or names with their "
            "definitions"
        )
    pairs = labels.items() if isinstance(labels, Mapping) else ((name, "") for name in labels or ())
    result: Labels = {}
    for name, definition in pairs:
        if not isinstance(name, str) or not isinstance(definition, str):
            raise TypeError(
                f"label {name!r} with the definition {definition!r}: both must be strings"
            )
        _check(name, definition)
        result[name] = definition
    if twins := [names for names in by_core(result).values() if len(names) > 1]:
        names = " and ".join(map(repr, twins[0]))
        raise ValueError(
            f"the labels {names} differ only in white space at their edges: keep one of them"
        )
    return result


def _check(name: str, definition: str) -> None:
    if not name.strip():
        raise ValueError(f"label {name!r} is empty: give every label a name")
    try:
        (name + definition).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"label {name!r} with the definition {definition!r}: {error.object[error.start]!r} is "
            "half of a character, "
            "which cannot be written: leave it out"
        ) from error


def by_core(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they are without white space at their edges."""
    cores: dict[str, list[str]] = {}
    for name in names:
        cores.setdefault(name.strip(), []).append(name)
    return cores
