"""Backslashes before delimiters that are part of a text."""

import re


def escape(text: str, delimiters: str) -> str:
    """Return a text with a backslash before each delimiter and each backslash in it."""
    return re.sub(rf"[\\{re.escape(delimiters)}]", r"\\\g<0>", text)


def unescape(text: str) -> str:
    """Return a text without the backslashes that `escape` added."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
