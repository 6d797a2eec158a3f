"""The report of a conversion: what it wrote, changed and lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from wasabi.tables import table

from ..text import visible

SHOWN_PLACES = 5
"""The number of places that a report names for each reason."""


@dataclass
class Report:
    """The account of a conversion. `read` always equals `written` plus the sum of `lost`.

    Attributes:
        documents: The number of documents written.
        tokens: The number of tokens written.
        read: The number of spans in the input documents that were converted.
        spans: The numbers of spans written, by label.
        nested: The number of these that lie inside another span.
        lost: The numbers of spans of the input that were not written, by reason.
        changed: How often something was written differently from the input, by reason.
        ignored: The numbers of annotations that are not gold spans of the documents, by kind.
        left_out: The numbers of records that do not become documents, by reason. Their spans do not
            count in `read`.
        places: The first places where each reason applied.
        scheme: The scheme of the tags, given or detected; None without tags.
    """

    documents: int = 0
    tokens: int = 0
    read: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    nested: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    scheme: str | None = None

    @property
    def written(self) -> int:
        """The number of spans written, of all labels."""
        return sum(self.spans.values())

    def lose(self, reason: str, place: str) -> None:
        """Count a span of the input that is not written."""
        self.lost[reason] += 1
        self._place(reason, place)

    def change(self, reason: str, place: str) -> None:
        """Count something that is written differently from the input."""
        self.changed[reason] += 1
        self._place(reason, place)

    def leave_out(self, reason: str, place: str) -> None:
        """Count a record of the input that does not become a document."""
        self.left_out[reason] += 1
        self._place(reason, place)

    def _place(self, reason: str, place: str) -> None:
        places = self.places.setdefault(reason, [])
        if len(places) < SHOWN_PLACES:
            places.append(place)

    def to_dict(self) -> dict[str, Any]:
        """Return everything in the report, ready for JSON."""
        return {**vars(self), "written": self.written}

    def __str__(self) -> str:
        rows: list[tuple[str, int | str]] = [("tag scheme", self.scheme)] if self.scheme else []
        rows += [
            ("documents", self.documents),
            ("tokens", self.tokens),
            ("spans read", self.read),
            ("spans written", self.written),
            ("of them nested", self.nested),
        ]
        rows += [(f"label {visible(label)}", count) for label, count in self.spans.most_common()]
        rows += [(f"LOST: {reason}", count) for reason, count in self.lost.most_common()]
        rows += [(f"changed: {reason}", count) for reason, count in self.changed.most_common()]
        rows += [(f"ignored: {visible(kind)}", count) for kind, count in self.ignored.most_common()]
        rows += [(f"left out: {reason}", count) for reason, count in self.left_out.most_common()]
        lines = [table(rows, aligns=("l", "r"))]
        for reason, places in self.places.items():
            lines += [f"First {reason}:", *map(visible, places)]
        return "\n".join(lines)
