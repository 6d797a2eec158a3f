"""Whether `align` finds longest common subsequences, and how much faster than the table of all
pairs.

python benchmarks/align.py
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Annotated

import typer
from quadratic import quadratic

from spacy_genner.reading.align import common

VOCABULARY = 20_000
"""Words of realistic texts: the n-th is n times rarer than the first (Zipf)."""
WEIGHTS = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

Words = list[str]
Match = Callable[[Sequence[str], Sequence[str]], list[int | None]]

TEXTS: dict[str, Callable[[random.Random, int], Words]] = {
    "Zipf": lambda rng, size: zipf(rng, size),
    "no word twice": lambda rng, size: [str(i) for i in range(size)],
    "three words": lambda rng, size: rng.choices("abc", k=size),
    "one word": lambda rng, size: ["a"] * size,
}


def zipf(rng: random.Random, size: int) -> Words:
    """Words as frequent as those of a language."""
    return [str(word) for word in rng.choices(range(VOCABULARY), cum_weights=WEIGHTS, k=size)]


def damaged(rng: random.Random, words: Words, rate: float) -> Words:
    """A copy with omissions, additions and substitutions, each at this rate."""
    written = list[str]()
    for word in words:
        written += rng.choices(
            [[word], [], [word, *zipf(rng, 1)], zipf(rng, 1)],
            weights=[1 - 3 * rate, rate, rate, rate],
        )[0]
    return written


def is_longest(match: Match, written: Words, source: Words) -> bool:
    """Whether it is a common subsequence, as long as the one of the table."""
    found = [(i, j) for i, j in enumerate(match(written, source)) if j is not None]
    indices = [j for _, j in found]
    same = all(written[i] == source[j] for i, j in found) and indices == sorted(set(indices))
    return same and len(found) == sum(j is not None for j in quadratic(written, source))


def agreement(rng: random.Random, pairs: int) -> int:
    """How many of so many random pairs of short texts, alike or not, are aligned as the table
    does."""
    agree = 0
    for _ in range(pairs):
        words = [str(word) for word in range(rng.choice([1, 2, 3, 10, 100]))]
        source = rng.choices(words, k=rng.randrange(30))
        alike = damaged(rng, source, rng.choice([0.02, 0.1, 0.3]))
        agree += is_longest(
            common, rng.choice([alike, rng.choices(words, k=rng.randrange(30))]), source
        )
    return agree


def seconds(match: Match, written: Words, source: Words) -> float:
    """The time of one alignment."""
    start = time.perf_counter()
    match(written, source)
    return time.perf_counter() - start


def main(
    pairs: Annotated[int, typer.Option(help="Random pairs to compare")] = 10_000,
    size: Annotated[int, typer.Option(help="Words of the timed texts")] = 2_000,
    repeats: Annotated[int, typer.Option(help="Timed texts of each kind; the median counts")] = 7,
) -> None:
    """Compare and time."""
    rng = random.Random(0)
    typer.echo(
        f"{agreement(rng, pairs):,} of {pairs:,} random pairs: as long as the longest, and common"
    )
    for name, text in TEXTS.items():
        source = [text(rng, size) for _ in range(repeats + 1)]
        copies = [(damaged(rng, words, 0.03), words) for words in source]
        ours, table = (
            [seconds(match, *copy) for copy in copies][1:] for match in (common, quadratic)
        )  # a warm-up
        ratios = sorted(slow / fast for slow, fast in zip(table, ours, strict=True))
        milliseconds = [1e3 * statistics.median(times) for times in (ours, table)]
        typer.echo(
            f"{size:,} words, {name}: {milliseconds[0]:.1f} ms, table {milliseconds[1]:.0f} ms; "
            f"{statistics.median(ratios):.0f} times faster (at least {ratios[0]:.0f})"
        )


if __name__ == "__main__":
    typer.run(main)
