"""Consent to settings that can run foreign code. It must come from whoever loads a pipeline: the
author of the pipeline alone must not be able to give it."""

from __future__ import annotations

import os

VARIABLE = "SPACY_GENNER_ALLOW"
"""The environment variable that says what is allowed. Unlike a setting in Python, it reaches worker
processes as well."""

_WORDS = {"trust_remote_code": "remote_code", "allow_pickle": "pickle"}
"""The settings of a language model that can run code, and the word that allows each of them in the
environment variable."""


def check_consent(trust_remote_code: bool, allow_pickle: bool) -> None:
    """Check that whoever loads a model has agreed to settings that can run code.

    Raises:
        ValueError: If one of the settings is on and the environment does not allow it.
    """
    settings = {"trust_remote_code": trust_remote_code, "allow_pickle": allow_pickle}
    requested = [name for name in _WORDS if settings[name]]
    allowed = {word.strip() for word in os.environ.get(VARIABLE, "").split(",")}
    if not allowed.issuperset(_WORDS[name] for name in requested):
        assignments = " and ".join(f"{name} = true" for name in requested)
        words = ",".join(_WORDS[name] for name in requested)
        raise ValueError(
            f"{assignments} in the configuration can run code on this machine. If you trust the "
            f"author of the pipeline and of the weights, set {VARIABLE}={words} in the environment"
        )
