"""What a model wrote freely, once it has been read, and a count of what was wrong with it. Imports
only the standard library."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from operator import add


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer that is a copy of the source with marks around its entities.

    Attributes:
        text: The copy without its marks.
        spans: The start, the (exclusive) end and the label of each span. The positions are
            characters of `text`; the label is as the model wrote it.
        spaced: Whether the copy has a space between all words, even where the source has none.
        names_labels: Whether the model wrote labels. If not, each label is an empty text, and the
            spans have the only label that the model was asked for.
    """

    text: str
    spans: list[tuple[int, int, str]]
    spaced: bool = False
    names_labels: bool = True


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity that an answer names instead of marking it in a copy.

    Attributes:
        text: The text of the entity as the model wrote it.
        label: The label as the model wrote it.
        occurrence: Which occurrence of the text in the source is meant, counted from 1; those
            inside words count as well.
        start: The character of the source's text where the entity starts.
        end: The character after the one where it ends.
    """

    text: str
    label: str
    occurrence: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An answer that is a list of mentions.

    Attributes:
        mentions: The mentions in the order of the list.
        unread: The number of parts of the answer that could not be read.
        grouped: Whether the list goes through the source once for each label, instead of once.
    """

    mentions: list[Mention]
    unread: int = 0
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Repairs:
    """Counts of what was wrong with answers. The counts of several answers can be added up.

    A copy is compared with the source in *pieces*: runs of letters and digits, and every other
    character by itself.

    Attributes:
        omissions: Pieces of the source that the model did not write.
        additions: Written pieces that correspond to nothing in the source, including those of
            marks that could not be read.
        substitutions: Pieces written in place of others, or with other capitalisation.
        grown: Spans that started or ended inside a word of the source, and now cover all of it.
        unended: Answers that were cut off at the maximum length.
        unread: Parts of a list that could not be read.
        inexact: Texts and labels that were found only by ignoring case and white space.
        misplaced: Mentions with a wrong occurrence or wrong offsets, which were ignored.
        unknown: Entities left out because their label is not in the label set.
        missing: Entities left out because their text does not occur in the source as whole words.
        crossing: Entities left out because they cross a longer one, or an earlier one of the same
            length.
        duplicate: Entities left out because they were already there.
        inexpressible: Entities that the format cannot express: left out because they are nested
            too deeply, or moved to the occurrence of their text that the format can express.
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
