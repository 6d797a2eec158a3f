"""Finding the entities of what a model wrote freely in the source."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from ..answers import Listed, Marked, Mention, Repairs
from ..nesting import nest
from ..text import Extent, Text
from ..types import Entity, Source
from .align import align

_UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
PIECE = re.compile(rf"[^\W{_UNSPACED}]+|\S")
"""A run of letters and digits, or any other single character, including every letter of the scripts
that put no space between words: Thai to Burmese, Khmer, and CJK. The pieces of a text do not depend
on how the source is divided into words."""

PiecePair = tuple[re.Match[str], re.Match[str]]
"""A written piece, and the piece of the source that it copies or replaces."""


class _Candidate(NamedTuple):
    """A mention whose text occurs in the source: its label, all the places where its text occurs,
    and the one that it names, if it names one."""

    label: str
    extents: list[Extent]
    named: Extent | None


def resolve(
    answer: Marked | Listed, source: Source, labels: Iterable[str]
) -> tuple[list[Entity], Repairs]:
    """Find the entities of an answer in the source.

    Returns:
        The entities, properly nested and in the order of `nest`, and what was wrong with the
        answer.
    """
    names = list(labels)
    repairs = Counter[str]()
    # Labels are found by their exact names first. Of several that differ only in case and white
    # space, the first is found by any other spelling.
    known = {_folded(name): name for name in reversed(names)} | {name: name for name in names}
    if isinstance(answer, Marked):
        if not answer.names_labels and len(names) == 1:
            spans = [(start, end, names[0]) for start, end, _ in answer.spans]
            answer = replace(answer, spans=spans)
        entities = list(_marked(answer, source, known, repairs))
    else:
        entities = list(_listed(answer, source, known, repairs))
    kept, rest = nest(entities)
    repairs.update(reason for _, reason in rest)
    return kept, Repairs(**repairs)


def _marked(
    answer: Marked, source: Source, known: Mapping[str, str], repairs: Counter[str]
) -> Iterator[Entity]:
    """Yield the entities of a marked copy. A span covers the words from the first to the last that
    its pieces copy or replace."""
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
        label = _label(name, known, repairs)
        if label is None:
            continue
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if first > last or not answer.text[start:end].strip():
            repairs["missing"] += 1
            continue
        left, right = _edges(start, end, pairs[first], pairs[last])
        words = _words(text, left, right)
        if _holds_more(text, words, left, right):
            repairs["grown"] += 1
        yield Entity(*words, label)


def _edges(start: int, end: int, first: PiecePair, last: PiecePair) -> tuple[int, int]:
    """Return the characters of the source that correspond to those of a copy.

    Words without a space between them are one piece, so an edge may lie inside a piece. It then
    lies as many characters inside the piece of the source, unless that piece is shorter.
    """
    (copy, piece), (last_copy, last_piece) = first, last
    left = piece.start() + min(max(start - copy.start(), 0), len(piece[0]) - 1)
    right = last_piece.end() - min(max(last_copy.end() - end, 0), len(last_piece[0]) - 1)
    return left, max(right, left + 1)


def _words(text: Text, left: int, right: int) -> Extent:
    """Return the span of words that hold these characters."""
    return bisect_right(text.starts, left) - 1, bisect_left(text.ends, right) + 1


def _holds_more(text: Text, words: Extent, left: int, right: int) -> bool:
    """Return whether a span of words holds other characters than these and white space."""
    first, end = words
    before = text.text[text.starts[first] : left]
    after = text.text[right : text.ends[end - 1]]
    return bool((before + after).strip())


def _listed(
    answer: Listed, source: Source, known: Mapping[str, str], repairs: Counter[str]
) -> Iterator[Entity]:
    """Yield the entities of a list of mentions.

    A mention means the occurrence that it names. If it names none, it means one that no other
    mention with its label has taken: the first that does not come before the previous mention, or
    else the first of all.
    """
    candidates = _candidates(answer, source, known, repairs)
    taken = {Entity(*one.named, one.label) for one in candidates if one.named}
    previous: dict[str, Extent] = {}  # for each label, if they are listed one after the other
    for label, extents, named in candidates:
        walk = label if answer.grouped else ""
        place = named
        if place is None:
            free = [at for at in extents if Entity(*at, label) not in taken] or extents[:1]
            after = previous.get(walk)
            later = [at for at in free if after is None or _order(at) >= _order(after)]
            place = (later or free)[0]
        previous[walk] = place
        entity = Entity(*place, label)
        taken.add(entity)
        yield entity


def _candidates(
    answer: Listed, source: Source, known: Mapping[str, str], repairs: Counter[str]
) -> list[_Candidate]:
    """Return the mentions with known labels whose texts occur in the source."""
    text = Text(source.words, source.spaces)
    loose = Text([_folded(word) for word in source.words], [False] * len(source))
    repairs["unread"] += answer.unread
    candidates: list[_Candidate] = []
    for mention in answer.mentions:
        label = _label(mention.label, known, repairs)
        if label is None:
            continue
        extents = text.find(mention.text)
        if not extents:
            extents = loose.find(_folded(mention.text))
            repairs["inexact" if extents else "missing"] += 1
        if not extents:
            continue
        named = _named(mention, extents, text)
        if named is None and _names_a_place(mention):
            repairs["misplaced"] += 1
        candidates.append(_Candidate(label, extents, named))
    return candidates


def _order(extent: Extent) -> tuple[int, int]:
    """Return the key by which lists are ordered: from left to right, and of several spans with the
    same start the longest first."""
    return extent[0], -extent[1]


def _names_a_place(mention: Mention) -> bool:
    places = (mention.occurrence, mention.start, mention.end)
    return any(place is not None for place in places)


def _named(mention: Mention, extents: list[Extent], text: Text) -> Extent | None:
    """Return the occurrence that a mention names by its offsets or its number; None if it names
    none of these."""
    if mention.start is not None or mention.end is not None:
        for first, end in extents:
            if (text.starts[first], text.ends[end - 1]) == (mention.start, mention.end):
                return first, end
        return None
    starts = text.occurrences(mention.text) or [text.starts[first] for first, _ in extents]
    if mention.occurrence is None or not 1 <= mention.occurrence <= len(starts):
        return None
    start = starts[mention.occurrence - 1]
    return next((extent for extent in extents if text.starts[extent[0]] == start), None)


def _label(written: str, known: Mapping[str, str], repairs: Counter[str]) -> str | None:
    """Return the label that the model meant; None if there is no such label."""
    label = known.get(written, known.get(_folded(written)))
    if label is None:
        repairs["unknown"] += 1
    elif label != written:
        repairs["inexact"] += 1
    return label


def _folded(text: str) -> str:
    """Return a text without its white space and differences of case."""
    return "".join(text.split()).casefold()
