"""Backslashes before delimiters that are part of a text."""

import re
from functools import lru_cache

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def escape(text: str, delimiters: str) -> str:
    """Return a text with a backslash before each delimiter and each backslash in it."""
    return _pattern(delimiters).sub(r"\\\g<0>", text)


def unescape(text: str) -> str:
    """Return a text without the backslashes that `escape` added."""
    return _ESCAPED.sub(r"\1", text)


@lru_cache
def _pattern(delimiters: str) -> re.Pattern[str]:
    """Return the pattern of one delimiter or backslash. It is kept, because a grammar escapes every
    word of its source."""
    return re.compile(rf"[\\{re.escape(delimiters)}]")
