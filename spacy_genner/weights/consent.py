"""What can run foreign code needs the consent of whoever loads a pipeline: its author alone must
not allow it."""

from __future__ import annotations

import os

VARIABLE = "SPACY_GENNER_ALLOW"
"""The environment variable that says what is allowed. Worker processes have it too, unlike a
setting in Python."""

_WORDS = {"trust_remote_code": "remote_code", "allow_pickle": "pickle"}
"""The settings of a language model that can run code → the words for them in the variable."""


def check_consent(trust_remote_code: bool, allow_pickle: bool) -> None:
    """Check that whoever loads a model agrees to settings that can run code.

    Raises:
        ValueError: If one of these settings is on, and the environment does not allow it.
    """
    on = {"trust_remote_code": trust_remote_code, "allow_pickle": allow_pickle}
    asked = [name for name in _WORDS if on[name]]
    allowed = {word.strip() for word in os.environ.get(VARIABLE, "").split(",")}
    if not allowed.issuperset(_WORDS[name] for name in asked):
        words = ",".join(_WORDS[name] for name in asked)
        raise ValueError(
            f"{' and '.join(f'{name} = true' for name in asked)} in the configuration can run "
            "code on this machine. If "
            f"you trust the author of the pipeline and of the weights, set {VARIABLE}={words} in "
            "the environment"
        )
