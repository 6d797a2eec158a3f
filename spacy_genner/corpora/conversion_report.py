"""What a conversion wrote, changed and lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from wasabi.tables import table

from ..text import visible

SHOWN_PLACES = 5
"""How many places a report names for each reason."""


@dataclass
class Report:
    """The account of a conversion: `read` = `written` + the sum of `lost`, always.

    Attributes:
        documents, tokens: How many were written.
        read: Spans in the input documents that were converted.
        spans: Spans written, by label.
        nested: How many of them lie inside another one.
        lost: Spans of the input that were not written, by reason.
        changed: What was written differently from the input, by reason.
        ignored: Annotations of the input that are no gold spans of its documents, by kind.
        left_out: Records of the input that are no gold, by reason; their spans are not in `read`.
        places: For each reason the first places where it happened.
        scheme: The tag scheme of column files, given or detected.
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
        """Spans written, of all labels."""
        return sum(self.spans.values())

    def lose(self, reason: str, place: str) -> None:
        """A span of the input is not written."""
        self.lost[reason] += 1
        self._place(reason, place)

    def change(self, reason: str, place: str) -> None:
        """Something is written differently from the input."""
        self.changed[reason] += 1
        self._place(reason, place)

    def leave_out(self, reason: str, place: str) -> None:
        """A record of the input is no document."""
        self.left_out[reason] += 1
        self._place(reason, place)

    def _place(self, reason: str, place: str) -> None:
        places = self.places.setdefault(reason, [])
        if len(places) < SHOWN_PLACES:
            places.append(place)

    def to_dict(self) -> dict[str, Any]:
        """Everything in the report, ready for JSON."""
        return {**vars(self), "written": self.written}

    def __str__(self) -> str:
        rows: list[tuple[str, int | str]] = [("tag scheme", self.scheme)] if self.scheme else []
        rows += [("documents", self.documents), ("tokens", self.tokens)]
        rows += [
            ("spans read", self.read),
            ("spans written", self.written),
            ("of them nested", self.nested),
        ]
        rows += [(f"label {visible(label)}", count) for label, count in self.spans.most_common()]
        rows += [(f"LOST: {reason}", count) for reason, count in self.lost.most_common()]
        rows += [(f"changed: {reason}", count) for reason, count in self.changed.most_common()]
        rows += [(f"ignored: {visible(kind)}", count) for kind, count in self.ignored.most_common()]
        rows += [(f"left out: {reason}", count) for reason, count in self.left_out.most_common()]
        lines = [
            line
            for reason, places in self.places.items()
            for line in (f"First {reason}:", *map(visible, places))
        ]
        return "\n".join([table(rows, aligns=("l", "r")), *lines])
