"""Which word of the source each freely written word corresponds to. Imports only the standard
library.

The method is hierarchical, as in GNER (arXiv 2402.16602). It tries whether one side is a
subsequence of the other, which covers equal texts, and otherwise takes a longest common
subsequence. Where few words repeat, that is a longest increasing subsequence of the pairs of equal
words. Where many repeat, there are too many such pairs, and it is computed with one bit for each
pair of words instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

Matches = list[int | None]
"""For each written word the index of a source word, or None. The indices increase."""

Chain: TypeAlias = "tuple[int, int, Chain | None]"
"""A common subsequence, from its end: the written index and the source index of its last word, and
the chain of the words before."""

MOST_BITS = 1 << 28
"""The greatest product of two lengths for which the table of bits is computed: it takes 32 MiB."""


def align(written: Sequence[str], source: Sequence[str]) -> Matches:
    """Return the source word that each written word copies or replaces; None for an addition.

    Written words between two copied ones replace the source words between the same two, one by one
    from the left. Those before the first copied word do so from the right, since what comes before
    an answer is more often chatter than part of it.
    """
    found = common(written, source)
    copies = [(i, j) for i, j in enumerate(found) if j is not None]
    start, source_start = 0, 0  # where the words after the last copied one start
    for end, source_end in [*copies, (len(written), len(source))]:
        size = min(end - start, source_end - source_start)
        if start == 0:  # before the first copied word
            start, source_start = end - size, source_end - size
        found[start : start + size] = range(source_start, source_start + size)
        start, source_start = end + 1, source_end + 1
    return found


def common(written: Sequence[str], source: Sequence[str]) -> Matches:
    """Return a longest common subsequence.

    A word that could be matched in several places is matched next to the word before it, or else
    next to the word after it, so that a span over them does not stretch.

    Texts with many repeats and more than `MOST_BITS` pairs of words (16,000 words each) are cut in
    halves that are aligned separately. The result is then still a common subsequence, but perhaps
    not a longest one.
    """
    found = subsequence(written, source)
    if found is None:
        found = _supersequence(written, source)
    if found is None:
        found = _longest(written, source)
    # In "the cat and the dog", a written "the dog" was matched with the first "the". Move such a
    # word to the word after it.
    for i in reversed(range(len(found) - 1)):
        here, after = found[i], found[i + 1]
        if here is None or after is None or source[after - 1] != written[i]:
            continue
        is_next_to_the_word_before = i > 0 and found[i - 1] == here - 1
        if not is_next_to_the_word_before:
            found[i] = after - 1
    return found


def subsequence(part: Sequence[str], whole: Sequence[str]) -> Matches | None:
    """Match every word of a part, each as far to the left as possible; None if the part is not a
    subsequence of the whole."""
    found: Matches = []
    start = 0
    for word in part:
        try:
            place = whole.index(word, start)
        except ValueError:
            return None
        found.append(place)
        start = place + 1
    return found


def _supersequence(written: Sequence[str], source: Sequence[str]) -> Matches | None:
    """Match every word of the source; None if it is not a subsequence of the written words."""
    places = subsequence(source, written)
    if places is None:
        return None
    copied = {i: j for j, i in enumerate(places)}
    return [copied.get(i) for i in range(len(written))]


def _longest(written: Sequence[str], source: Sequence[str]) -> Matches:
    """Return a longest common subsequence, or that of each half if there are too many pairs."""
    counts = Counter(source)
    if sum(counts[word] for word in written) <= len(written) + len(source):
        return increasing(written, source)
    if len(written) * len(source) <= MOST_BITS:
        return bitwise(written, source)
    i, j = len(written) // 2, len(source) // 2
    left = _longest(written[:i], source[:j])
    right = _longest(written[i:], source[j:])
    return left + [None if at is None else at + j for at in right]


def increasing(written: Sequence[str], source: Sequence[str]) -> Matches:
    """Return a longest common subsequence in O((N + P) log N) for P pairs of equal words (Hunt and
    Szymanski, 1977)."""
    places: dict[str, list[int]] = {}
    for j in reversed(range(len(source))):
        places.setdefault(source[j], []).append(j)
    # For each length, the least source index at which a common subsequence can end, and its words.
    ends: list[int] = []
    chains: list[Chain] = []
    for i, word in enumerate(written):
        # From right to left, so that a chain never takes the same written word twice.
        for j in places.get(word, ()):
            size = bisect_left(ends, j)
            before = chains[size - 1] if size else None
            ends[size : size + 1] = [j]  # replaces the end, or appends one
            chains[size : size + 1] = [(i, j, before)]
    found: Matches = [None] * len(written)
    chain = chains[-1] if chains else None
    while chain:
        i, j, chain = chain
        found[i] = j
    return found


def bitwise(written: Sequence[str], source: Sequence[str]) -> Matches:
    """Return a longest common subsequence in O(N M / 64), whatever repeats (Hyyrö, 2004).

    Consider the table of the lengths of a longest common subsequence of the first i written and the
    first j source words. Row i is kept as one number: bit j - 1 is 0 if the length at j is greater
    than at j - 1, and 1 if it is the same.
    """
    places: dict[str, int] = {}  # a bit for each source word that equals the key
    for j, word in enumerate(source):
        places[word] = places.get(word, 0) | (1 << j)
    every = (1 << len(source)) - 1
    rows = [every]
    for word in written:
        row = rows[-1]
        equal = row & places.get(word, 0)
        rows.append(((row + equal) | (row - equal)) & every)
    # Walk back from the end of both texts.
    found: Matches = [None] * len(written)
    i, j = len(written), len(source)
    while i and j:
        bit = 1 << (j - 1)
        if rows[i] & bit:  # as long without this source word
            j -= 1
        elif not rows[i - 1] & bit:  # as long without this written word
            i -= 1
        else:
            i, j = i - 1, j - 1
            found[i] = j
    return found
