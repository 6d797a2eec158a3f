"""The metrics of several systems as one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev

from .metrics import percent
from .significance import RESAMPLES, difference
from .systems import COSTS, RATES, System, read_systems
from .table import Table


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems, one of which the others are compared with.

    Attributes:
        systems: The systems, on one or on several corpora.
        against: The name of that one.
    """

    systems: list[System]
    against: str

    @property
    def references(self) -> dict[str, System]:
        """The system that the others are compared with, by the digest of its documents."""
        named = (system for system in reversed(self.systems) if system.name == self.against)
        return {system.digest: system for system in named if system.digest}

    @property
    def table(self) -> Table:
        """A row for each system, and notes on it. A missing value is a dash."""
        references = self.references
        header = ["system", "runs", *RATES, "difference", "p", *COSTS]
        rows = [_row(system, references.get(system.digest)) for system in self.systems]
        notes = _notes(self.systems, self.against, references.keys())
        return Table("Systems", header, rows, notes)


def compare(paths: Sequence[Path], against: str = "") -> str:
    """Return a row for each system, and notes, as a Markdown table; see `read_comparison`."""
    return read_comparison(paths, against).table.markdown


def read_comparison(paths: Sequence[Path], against: str = "") -> Comparison:
    """Read the metrics of systems that are to be compared.

    Files with the same "name" and the same documents are runs of one system, such as with several
    seeds: its row has their means, and the standard deviation of F1. Its difference in F1 to the
    reference is that of the counts of all runs, by the paired bootstrap of `difference`.

    Args:
        paths: Metrics files, or folders of them.
        against: The name of the system that the others are compared with; by default the first.

    Raises:
        ValueError: If a file does not hold metrics of `genner evaluate`.
        ValueError: If a folder has no .json file.
        ValueError: If no system has the name `against`.
    """
    systems = read_systems(paths)
    names = list(dict.fromkeys(system.name for system in systems))
    against = against or names[0]
    if against not in names:
        raise ValueError(f"--against {against!r}: choose one of the systems: {', '.join(names)}")
    return Comparison(systems, against)


def _row(system: System, reference: System | None) -> list[str]:
    rates = {column: percent(system.mean(column)) for column in RATES}
    if len(scores := system.known("F1")) > 1:
        rates["F1"] += f" ± {percent(stdev(scores))}"
    seconds, speed, memory = map(system.mean, COSTS)
    return [
        system.name,
        str(len(system.runs)),
        *rates.values(),
        *_difference(system, reference),
        "–" if seconds is None else f"{seconds / 60:.1f} min",
        "–" if speed is None else f"{speed:,.0f}",
        "–" if memory is None else f"{memory:,.0f} MiB",
    ]


def _difference(system: System, reference: System | None) -> tuple[str, str]:
    """Return the difference in F1 with its interval, and its p-value."""
    if reference is None:
        return "–", "–"
    if reference is system:
        return "reference", "–"
    return difference(system.counts, reference.counts).cells


def _notes(systems: Sequence[System], against: str, digests: Iterable[str]) -> list[str]:
    """Return lines to show below the table: how it was computed, and why values are missing."""
    notes = list[str]()
    if any(len(system.runs) > 1 for system in systems):
        notes.append("Systems of several runs: the means, and the standard deviation of F1.")
    if len(systems) > 1:
        notes.append(
            f"Difference: in points of F1 to {against}, with the 95 % interval and the two-sided p "
            f"of a paired bootstrap over documents ({RESAMPLES:,} resamples)."
        )
        old = [one.name for one in systems if not one.digest]
        other = [one.name for one in systems if one.digest and one.digest not in digests]
        if old:
            notes.append(
                f"No difference for {', '.join(old)}: the metrics are of an older version, without "
                "the counts of each document."
            )
        if other:
            notes.append(
                f"No difference for {', '.join(other)}: {against} has no metrics with counts on "
                "the same documents."
            )
    return notes
