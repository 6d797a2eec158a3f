"""Definitions of the labels of common schemes, written for this project."""

from __future__ import annotations

import json
from pathlib import Path

from .label_set import Labels

_SCHEMES = {
    path.stem: path for path in sorted((Path(__file__).parent / "definitions").glob("*.json"))
}


def definitions(scheme: str) -> dict[str, list[str]]:
    """Return the labels of a common scheme, each with its definition followed by paraphrases of it.

    Args:
        scheme: The name of a file in `definitions/` without its extension, such as "ontonotes5".

    Raises:
        ValueError: If there is no such scheme.
    """
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme = {scheme!r}: choose one of {', '.join(_SCHEMES)}")
    result: dict[str, list[str]] = json.loads(_SCHEMES[scheme].read_text("utf-8"))
    return result


def make_labels(scheme: str) -> Labels:
    """Return the labels of a common scheme with their definitions.

    Args:
        scheme: The name of a scheme, as `definitions` takes it.

    Raises:
        ValueError: If there is no such scheme.
    """
    return {label: texts[0] for label, texts in definitions(scheme).items()}
