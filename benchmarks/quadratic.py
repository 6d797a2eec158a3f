"""The longest common subsequence by the textbook: a table of all pairs of words (Wagner and
Fischer, 1974)."""

from __future__ import annotations

from collections.abc import Sequence


def quadratic(written: Sequence[str], source: Sequence[str]) -> list[int | None]:
    """For each written word the index of a source word, or None."""
    table = [[0] * (len(source) + 1)]
    for word in written:
        above, row = table[-1], [0]
        for j, other in enumerate(source):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        table.append(row)
    found: list[int | None] = [None] * len(written)
    i, j = len(written), len(source)
    while i and j:
        if table[i][j] == table[i][j - 1]:
            j -= 1
        elif table[i][j] == table[i - 1][j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            found[i] = j
    return found
