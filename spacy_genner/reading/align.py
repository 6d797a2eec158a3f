"""Which word of the source each freely written word stands for. Standard library only.

Hierarchical as in GNER (arXiv 2402.16602): the same words, then one side a subsequence of the
other, then the longest common subsequence. Where few words repeat, that is the longest increasing
one over the pairs of equal words; where many do, those pairs explode, and it is computed with one
bit for each pair of words instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any

Matches = list[int | None]
"""For each written word the index of a source word, or None. The indices increase."""

MOST_BITS = 1 << 28
"""The greatest product of two lengths whose table of bits is kept whole: 32 MiB."""


def align(written: Sequence[str], source: Sequence[str]) -> Matches:
    """The source word that each written word copies, or replaces; None for an addition.

    Written words between two copies replace the source words between the same two, one by one from
    the left; before the first copy from the right, since what comes before an answer is chatter
    more often than part of it.
    """
    found = common(written, source)
    copies = [(i, j) for i, j in enumerate(found) if j is not None]
    for (i, j), (next_i, next_j) in zip(
        [(-1, -1), *copies], [*copies, (len(written), len(source))], strict=True
    ):
        size = min(next_i - i, next_j - j) - 1
        if i < 0:
            i, j = next_i - size - 1, next_j - size - 1
        found[i + 1 : i + 1 + size] = range(j + 1, j + 1 + size)
    return found


def common(written: Sequence[str], source: Sequence[str]) -> Matches:
    """A longest common subsequence.

    Words that could stand at several places stand beside the word that follows them where none
    stands before them, so that a span over them does not stretch.

    Texts with many repeats and over `MOST_BITS` pairs of words (16,000 words each) are cut in
    halves, each aligned by
    itself: the result is still a common subsequence, perhaps not a longest one.
    """
    found = subsequence(written, source)
    if found is None and (inverse := subsequence(source, written)) is not None:
        found = [None] * len(written)
        for j, i in enumerate(inverse):
            if i is not None:
                found[i] = j
    if found is None:
        found = _longest(written, source)
    for i in reversed(range(len(found) - 1)):
        here, after = found[i], found[i + 1]
        if here is not None and after is not None and source[after - 1] == written[i]:
            follows = i > 0 and found[i - 1] == here - 1
            found[i] = here if follows else after - 1
    return found


def subsequence(part: Sequence[str], whole: Sequence[str]) -> Matches | None:
    """Where the words of a subsequence stand, each as far to the left as can be; None if it is
    none."""
    places = iter(range(len(whole)))
    found: Matches = [next((at for at in places if whole[at] == word), None) for word in part]
    return found if not found or found[-1] is not None else None


def _longest(written: Sequence[str], source: Sequence[str]) -> Matches:
    counts = Counter(source)
    if sum(counts[word] for word in written) <= len(written) + len(source):
        return increasing(written, source)
    if len(written) * len(source) <= MOST_BITS:
        return bitwise(written, source)
    i, j = len(written) // 2, len(source) // 2
    right = _longest(written[i:], source[j:])
    return _longest(written[:i], source[:j]) + [None if at is None else at + j for at in right]


def increasing(written: Sequence[str], source: Sequence[str]) -> Matches:
    """A longest common subsequence in O((N + P) log N) for P pairs of equal words (Hunt and
    Szymanski, 1977)."""
    places: dict[str, list[int]] = {}
    for j in reversed(range(len(source))):
        places.setdefault(source[j], []).append(j)
    ends: list[
        int
    ] = []  # the least source index at which a common subsequence of each length can end
    chains: list[Any] = []  # the pairs of each, as (written index, source index, chain before)
    for i, word in enumerate(written):
        for j in places.get(word, ()):  # from the right: a written word never follows itself
            size = bisect_left(ends, j)
            ends[size : size + 1] = [j]
            chains[size : size + 1] = [(i, j, chains[size - 1] if size else None)]
    found: Matches = [None] * len(written)
    chain = chains[-1] if chains else None
    while chain:
        i, j, chain = chain
        found[i] = j
    return found


def bitwise(written: Sequence[str], source: Sequence[str]) -> Matches:
    """A longest common subsequence in O(N M / 64), whatever repeats (Hyyrö, 2004).

    A row has a bit for each source word: 0 where the longest common subsequence of the written
    words so far and the source words up to there is longer than up to the word before.
    """
    where: dict[str, int] = {}
    for j, word in enumerate(source):
        where[word] = where.get(word, 0) | 1 << j
    rows = [every := (1 << len(source)) - 1]
    for word in written:
        equal = rows[-1] & where.get(word, 0)
        rows.append((rows[-1] + equal | rows[-1] - equal) & every)
    found: Matches = [None] * len(written)
    i, j = len(written), len(source)
    while i and j:
        if rows[i] >> j - 1 & 1:
            j -= 1
        elif not rows[i - 1] >> j - 1 & 1:
            i -= 1
        else:
            i, j = i - 1, j - 1
            found[i] = j
    return found
