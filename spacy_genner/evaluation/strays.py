"""Where free answers leave what is legal, or else the gold answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from ..formats.base import Grammar, legal_prefix
from ..formats.mentions import Mentions
from ..models.answered import Answered
from ..types import Move

_BEFORE, _AFTER = 24, 12
"""The number of characters that are shown before and after the place where an answer strays."""
_SHOWN = 3
"""The number of legal continuations that are shown, and of examples for each kind."""
LEGAL = "legal, but not gold"
"""The kind of a free answer that is legal, and another one than the gold answer."""


@dataclass(frozen=True, slots=True)
class Stray:
    """The first place where a free answer is not what it should be.

    Attributes:
        kind: What was written there: "another label", for example.
        id: The token id that was written; None if the answer ended.
        before: The end of the text before that place.
        written: What was written there.
        expected: What would have been legal; or, if the answer is legal, what the gold answer has.
    """

    kind: str
    id: int | None
    before: str
    written: str
    expected: tuple[str, ...]


def stray(answer: Answered) -> Stray | None:
    """Return where a free answer strays; None if it is the gold answer."""
    text = answer.written
    position, kind, expected = _leaves(answer.grammar, text)
    # Some tokenizers drop the space at the beginning of a text.
    spaced = _leaves(answer.grammar, f" {text}")
    if spaced[0] - 1 > position:
        position, kind, expected = spaced[0] - 1, *spaced[1:]
    if not kind:
        right = answer.right if text.startswith(" ") else answer.right.lstrip()
        if text == right:
            return None
        position = _shared(text, right)
        kind, expected = LEGAL, [right[position:]]
    return Stray(
        kind,
        next((id for id, end in zip(answer.ids, answer.ends, strict=True) if end > position), None),
        text[max(0, position - _BEFORE) : position],
        text[position : position + _AFTER],
        tuple(dict.fromkeys(text[:_AFTER] for text in expected))[:_SHOWN],
    )


def _leaves(grammar: Grammar, text: str) -> tuple[int, str, list[str]]:
    """Return where a text leaves what is legal, what was written there, and what would have been
    legal. The second is empty if all of the text is legal."""
    _, position, following = legal_prefix(grammar, text)
    rest = text[position:]
    ways = [(_shared(way, rest), way, label) for way, label in _ways(following)]
    if not ways:
        return position, "text after the end" if rest else "", []
    most = max(shared for shared, _, _ in ways)
    ways = [way for way in ways if way[0] == most]
    expected = [way[most:] for _, way, _ in ways]
    if most == len(rest):
        return len(text), "an early end", expected
    if any(label and _is_inside(most, label, way) for _, way, label in ways):
        return position + most, "another label", expected
    kind = "another word" if rest[most].isalnum() else "another mark"
    return position + most, kind, expected


def _ways(moves: Iterable[Move]) -> Iterator[tuple[str, str | None]]:
    """Yield the texts that moves write, and the labels in them.

    Of mentions, which may be thousands, it yields one text for each first token, which goes on to
    the end of the source.
    """
    if not isinstance(moves, Mentions):
        for move in moves:
            yield move.text, move.label
        return
    texts = moves.texts
    for first in np.flatnonzero(moves.legal.any(axis=1)).tolist():
        yield moves.opening + texts.text[texts.starts[first] :], None


def _is_inside(place: int, label: str, text: str) -> bool:
    """Return whether a place lies in a label of a text, and after its beginning."""
    start = text.find(label)
    return place > 0 and start <= place < start + len(label)


def _shared(one: str, other: str) -> int:
    """Return the number of characters at the beginning that two texts share."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def grouped(strays: Iterable[Stray]) -> list[tuple[str, int, list[Stray]]]:
    """Group strays by kind, the most frequent kind first.

    Returns:
        For each kind its name, its number, and an example of each of the most frequent ways to
        stray, which differ in what was written or expected.
    """
    kinds = defaultdict[str, list[Stray]](list)
    for one in strays:
        kinds[one.kind].append(one)
    groups = list[tuple[str, int, list[Stray]]]()
    for kind, ones in sorted(kinds.items(), key=lambda item: -len(item[1])):
        examples = {(one.id, one.expected): one for one in reversed(ones)}
        frequent = Counter((one.id, one.expected) for one in ones).most_common(_SHOWN)
        groups.append((kind, len(ones), [examples[way] for way, _ in frequent]))
    return groups
