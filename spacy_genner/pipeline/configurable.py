"""What a configuration file can hold."""

import re

from thinc.api import Config, ConfigValidationError

_BROKEN = re.compile(r'.*[=:]\s*".*"', re.DOTALL)
"""What is left of `per:son = "a definition"` in a configuration file, where a name ends at the
first colon."""


def check_labels(labels: dict[str, str] | list[str] | None) -> None:
    """Check that a configuration file can hold labels.

    Raises:
        ValueError: For labels that would come back from a saved configuration as others.
    """
    items = (
        [{name: text} for name, text in labels.items()]
        if isinstance(labels, dict)
        else [[n] for n in labels or ()]
    )
    if broken := [item for item in items if not _survives(item)]:
        raise ValueError(
            f"labels = {broken[0]}: a configuration file would read this back as something else. "
            "A name with : or = in "
            "it, or with # or ; or [ at its start, must be in a list of names; its definition can "
            "be given by the "
            "component's `set_labels`, or in a JSON file to [initialize.components] or to the "
            "reader of a corpus. ${ "
            "stands for a variable"
        )


def as_configured(labels: dict[str, str]) -> dict[str, str] | list[str] | None:
    """Labels as a configuration holds them: names alone if none is defined; None if it cannot hold
    them."""
    written = labels if any(labels.values()) else list(labels)
    try:
        check_labels(written)
    except ValueError:
        return None
    return written


def _survives(labels: dict[str, str] | list[str]) -> bool:
    """Whether a pipeline that is saved with these labels comes back with them."""
    try:
        read = Config().from_str(Config({"component": {"labels": labels}}).to_str())["component"][
            "labels"
        ]
    except ConfigValidationError:
        return False
    return bool(read == labels) and not (
        isinstance(labels, dict) and any(map(_BROKEN.fullmatch, labels.values()))
    )
