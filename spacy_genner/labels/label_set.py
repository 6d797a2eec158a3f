"""The label set: names in a fixed order, with optional definitions."""

from collections.abc import Iterable, Mapping

Labels = dict[str, str]
"""Label names with their definitions, which may be empty. The order matters: it breaks ties and
shapes the prompt."""


def as_labels(labels: Mapping[str, str] | Iterable[str] | None) -> Labels:
    """Make labels of what a configuration may hold: names with their definitions, a list of names,
    or nothing.

    Raises:
        ValueError: If a name is empty or only white space.
        ValueError: If two names differ only in white space at their edges.
        ValueError: If a text cannot be encoded.
        TypeError: If `labels` is one string, or a name or a definition is not a string.
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
    for twins in by_core(result).values():
        if len(twins) > 1:
            raise ValueError(
                f"the labels {' and '.join(map(repr, twins))} differ only in white space at their "
                "edges: keep one of them"
            )
    return result


def _check(name: str, definition: str) -> None:
    """Raise a ValueError if a name is empty, or if it or its definition cannot be encoded."""
    if not name.strip():
        raise ValueError(f"label {name!r} is empty: give every label a name")
    try:
        (name + definition).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"label {name!r} with the definition {definition!r}: {error.object[error.start]!r} is "
            "half of a character (a lone surrogate), which cannot be encoded: remove it"
        ) from error


def by_core(names: Iterable[str]) -> dict[str, list[str]]:
    """Group names that are the same without the white space at their edges."""
    cores: dict[str, list[str]] = {}
    for name in names:
        cores.setdefault(name.strip(), []).append(name)
    return cores
