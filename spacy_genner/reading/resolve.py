"""What a model wrote freely → entities of the source."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ..answers import Listed, Marked, Mention, Repairs
from ..nesting import nest
from ..text import Extent, Text
from ..types import Entity, Source
from .align import align

_UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
PIECE = re.compile(rf"[^\W{_UNSPACED}]+|\S")
"""A run of letters and digits, or any one other character; also each letter of the scripts that set
no space between
words: Thai to Burmese, Khmer, CJK. What a text is cut into does not depend on the words of the
    source."""

PiecePair = tuple[re.Match[str], re.Match[str]]
"""A written piece and the one of the source that it copies or replaces."""


def resolve(
    answer: Marked | Listed, source: Source, labels: Iterable[str]
) -> tuple[list[Entity], Repairs]:
    """The entities of an answer, properly nested and in the order of `nest`, and what was wrong
    with it."""
    repairs, names = Counter[str](), list(labels)
    known = {_folded(name): name for name in reversed(names)} | {name: name for name in names}
    if isinstance(answer, Marked):
        entities = list(_marked(answer, source, known, repairs))
    else:
        entities = list(_listed(answer, source, known, repairs))
    kept, rest = nest(entities)
    repairs.update(reason for _, reason in rest)
    return kept, Repairs(**repairs)


def _marked(
    answer: Marked, source: Source, known: Mapping[str, str], repairs: Counter[str]
) -> Iterator[Entity]:
    """A span covers the words from the first to the last that its pieces copy or replace."""
    text = Text(source.words, [True] * len(source) if answer.spaced else source.spaces)
    written, pieces = list(PIECE.finditer(answer.text)), list(PIECE.finditer(text.text))
    found = align(
        [piece[0].casefold() for piece in written], [piece[0].casefold() for piece in pieces]
    )
    pairs = [(w, pieces[j]) for w, j in zip(written, found, strict=True) if j is not None]
    repairs["omissions"] += len(pieces) - len(pairs)
    repairs["additions"] += len(written) - len(pairs)
    repairs["substitutions"] += sum(w[0] != s[0] for w, s in pairs)
    starts, ends = [w.start() for w, _ in pairs], [w.end() for w, _ in pairs]
    for start, end, name in answer.spans:
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if (label := _label(name, known, repairs)) is None:
            continue
        if first > last or not answer.text[start:end].strip():
            repairs["missing"] += 1
            continue
        i, j, inside = _words(text, *_edges(start, end, pairs[first], pairs[last]))
        repairs["grown"] += inside
        yield Entity(i, j, label)


def _edges(start: int, end: int, first: PiecePair, last: PiecePair) -> Extent:
    """The characters of the source for those of a copy. An edge may lie inside a piece, where words
    without a space between them are one piece."""
    (copy, piece), (last_copy, last_piece) = first, last
    left = piece.start() + min(max(start - copy.start(), 0), len(piece[0]) - 1)
    right = last_piece.end() - min(max(last_copy.end() - end, 0), len(last_piece[0]) - 1)
    return left, max(right, left + 1)


def _words(text: Text, left: int, right: int) -> tuple[int, int, bool]:
    """The words that hold these characters, and whether they hold others as well."""
    i, j = bisect_right(text.starts, left) - 1, bisect_left(text.ends, right)
    others = text.text[text.starts[i] : left] + text.text[right : text.ends[j]]
    return i, j + 1, bool(others.strip())


def _listed(
    answer: Listed, source: Source, known: Mapping[str, str], repairs: Counter[str]
) -> Iterator[Entity]:
    """A mention is the occurrence that it names, else one that no other mention with its label has
    taken: the first behind the mention before, or the first of all."""
    text = Text(source.words, source.spaces)
    loose = Text([_folded(word) for word in source.words], [False] * len(source))
    repairs["unread"] += answer.unread
    found = list[tuple[str, list[Extent], Extent | None]]()
    for mention in answer.mentions:
        if (label := _label(mention.label, known, repairs)) is None:
            continue
        extents = text.find(mention.text)
        if not extents and (extents := loose.find(_folded(mention.text))):
            repairs["inexact"] += 1
        if not extents:
            repairs["missing"] += 1
            continue
        place = _place(mention, extents, text)
        repairs["misplaced"] += (
            place is None and (mention.occurrence, mention.start, mention.end) != (None,) * 3
        )
        found.append((label, extents, place))
    taken = {Entity(*place, label) for label, _, place in found if place}
    before = dict[str, Extent]()
    for label, extents, place in found:
        walk = label if answer.grouped else ""
        free = [extent for extent in extents if Entity(*extent, label) not in taken] or extents[:1]
        behind = (
            extent
            for extent in free
            if walk not in before or _order(extent) >= _order(before[walk])
        )
        before[walk] = place or next(behind, free[0])
        entity = Entity(*before[walk], label)
        taken.add(entity)
        yield entity


def _order(extent: Extent) -> Extent:
    """Lists go from left to right, the longest of several spans with one start first."""
    return extent[0], -extent[1]


def _place(mention: Mention, extents: list[Extent], text: Text) -> Extent | None:
    """The occurrence that a mention names, if it is there."""
    if mention.start is not None or mention.end is not None:
        offsets = mention.start, mention.end
        return next(
            (e for e in extents if (text.starts[e[0]], text.ends[e[1] - 1]) == offsets), None
        )
    starts, at = text.occurrences(mention.text), mention.occurrence or 0
    starts = starts or [text.starts[start] for start, _ in extents]
    return next(
        (e for e in extents if 1 <= at <= len(starts) and text.starts[e[0]] == starts[at - 1]), None
    )


def _label(written: str, known: Mapping[str, str], repairs: Counter[str]) -> str | None:
    label = known.get(written, known.get(_folded(written)))
    repairs["unknown"] += label is None
    repairs["inexact"] += label not in (None, written)
    return label


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()
