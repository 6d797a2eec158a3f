"""Backslashes in front of delimiters that are part of a text."""

import re


def escape(text: str, delimiters: str) -> str:
    """A text with a backslash before each delimiter in it, and before each backslash."""
    return re.sub(rf"[\\{re.escape(delimiters)}]", r"\\\g<0>", text)


def unescape(text: str) -> str:
    """A text without the backslashes that `escape` has put there."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
