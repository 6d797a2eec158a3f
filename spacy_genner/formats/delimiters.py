"""Delimiters that a user chooses for the marks of a copy."""

import re
from collections.abc import Callable, Iterable

_SUBSTITUTES = ("()", "{}", "[]", "<>")
_BRACKETS = (*_SUBSTITUTES, "«»", "“”", "「」", "『』", "【】", "〈〉", "《》", "⟨⟩")
_PARTNERS = {pair[0]: pair[1] for pair in _BRACKETS}
_SUBSTITUTE_SIGNS = "/-+~x"  # The last one is no sign, and so never a delimiter


def check_delimiter(setting: str, value: str) -> None:
    """Check that a text can be told apart from a label and from the source.

    Args:
        setting: The name of the setting, for the error.

    Raises:
        ValueError: If it begins with a letter or a digit or is blank, or has a backslash, or white
            space other than single spaces.
    """
    first = value.strip()[:1]
    if not first or first.isalnum():
        problem = "would be taken for text: begin it with a sign, such as '[', '|' or '@@'"
    elif "\\" in value:
        problem = "has a backslash, which escapes delimiters in labels: choose another sign"
    elif re.search(r"[^\S ]|  ", value):
        problem = "has white space other than single spaces: use only these"
    else:
        return
    raise ValueError(f"{setting} = {value!r} {problem}")


def signs(text: str) -> str:
    """Return the distinct characters of a text that are no letters, digits or white space."""
    return "".join(char for char in dict.fromkeys(text) if not char.isalnum() and char.strip())


def partner(opening: str) -> str:
    """Return the brackets that close opening brackets: ">>" for "<<"; an empty text for anything
    that does not consist of opening brackets."""
    if not _PARTNERS.keys() >= set(opening):
        return ""
    return "".join(_PARTNERS[char] for char in reversed(opening))


def hide(heads: Iterable[str], delimiters: str) -> Callable[[str], str]:
    """Return a function that replaces whatever in a token could be mistaken for a mark.

    If a mark begins with a bracket, all brackets of that kind are replaced by those of another
    kind. Any other sign is only replaced where it begins the mark or, at the end of a token, could
    do so together with what follows: "@@" is hidden in "a@@b" and "a@", but "@user" is kept.

    Args:
        heads: The texts with which marks begin, without a space before them.
        delimiters: The signs of all marks, which are never used as a replacement.
    """
    sign = next(sign for sign in _SUBSTITUTE_SIGNS if sign not in delimiters)
    brackets = next((pair for pair in _SUBSTITUTES if not set(pair) & set(delimiters)), 2 * sign)
    substitutes: dict[str, str] = {}
    patterns: list[str] = []
    for head in heads:
        pair = next((pair for pair in _BRACKETS if head[0] in pair), "")
        if pair:
            substitutes |= {pair[0]: brackets[0], pair[1]: brackets[1]}
            patterns += map(re.escape, pair)
        else:
            # Of "@@", an "@" before another one, or at the end: @(?=@|\Z)
            following = [re.escape(head[1:])]
            following += [re.escape(head[1:end]) + r"\Z" for end in range(1, len(head))]
            substitutes[head[0]] = sign
            patterns.append(f"{re.escape(head[0])}(?={'|'.join(following)})")
    pattern = re.compile("|".join(patterns))
    return lambda word: pattern.sub(lambda found: substitutes[found[0]], word)
