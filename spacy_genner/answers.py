"""What a model wrote freely, once it is read, and the account of what was wrong with it. Standard
library only."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from operator import add


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked copy of the source.

    Attributes:
        text: The copy without its marks.
        spans: Start and end of each span, characters of the text, half-open; and its label as it
            was written.
        spaced: Whether the copy has a space between all words, also where the source has none.
    """

    text: str
    spans: list[tuple[int, int, str]]
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity that is named instead of marked.

    Attributes:
        label: As it was written.
        occurrence: Which occurrence of the text in the source it is, from 1, those inside of words
            counted as well.
        start, end: Where it stands in the text of the source, characters, half-open.
    """

    text: str
    label: str
    occurrence: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of mentions.

    Attributes:
        unread: How many parts of the answer could not be read.
        grouped: Whether it goes through the source once for each label, instead of once.
    """

    mentions: list[Mention]
    unread: int = 0
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was wrong with answers; the accounts of several add up.

    Copies are compared in *pieces*: runs of letters and digits, and all other characters one by
        one.

    Attributes:
        omissions: Pieces of the source that were not written.
        additions: Written pieces that stand for nothing in the source, those of unreadable marks
            too.
        substitutions: Pieces written in place of others, or in another case.
        grown: Spans that started or ended inside a word of the source: they cover it whole.
        unended: Answers cut at the length that none may exceed.
        unread: Parts of a list that could not be read.
        inexact: Texts and labels found only by ignoring case and white space.
        misplaced: Mentions with a wrong occurrence or wrong offsets: they are taken as if they
            named no place.
        unknown: Entities left out because their label is not in the label set.
        missing: Entities left out because the source does not have their text, as whole words.
        crossing: Entities left out because they cross a longer one, or an earlier one of the same
            length.
        duplicate: Entities left out because they were there already.
        inexpressible: Entities left out because the format allows no such depth, or moved to where
            it means their text.
    """

    omissions: int = 0
    additions: int = 0
    substitutions: int = 0
    grown: int = 0
    unended: int = 0
    unread: int = 0
    inexact: int = 0
    misplaced: int = 0
    unknown: int = 0
    missing: int = 0
    crossing: int = 0
    duplicate: int = 0
    inexpressible: int = 0

    def __add__(self, other: Repairs) -> Repairs:
        return Repairs(*map(add, astuple(self), astuple(other)))
