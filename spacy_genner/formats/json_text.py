"""Text inside JSON."""

import json


def quote(text: str) -> str:
    """A JSON string."""
    return json.dumps(text, ensure_ascii=False)


def escape(text: str) -> str:
    """What stands between the quotes of a JSON string."""
    return quote(text)[1:-1]
