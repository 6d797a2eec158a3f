"""Inline brackets: `[Essex | ORG]`, nested `[[c-fos | RNA] promoter | DNA]`, or label first:
`[ORG: Essex]`; with other delimiters `[Essex](ORG)`, `<ORG|Essex>` and the like.

Sources: the inline bracketed format of LLMs4NER (arXiv 2601.17898); marks without a label, such as
`@@Essex##`, are those of GPT-NER (arXiv 2304.10428).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from ..answers import Marked
from ..labels.label_set import Labels
from .backslashes import escape
from .delimiters import check_delimiter, hide, partner, signs
from .inline import Inline, Marks
from .marked_copies import read_marks

_SEPARATORS = " | ", ": "
"""The default separators, with the label last and first."""


class _Spelling(NamedTuple):
    """What follows from the settings of the format.

    Attributes:
        separator: The separator, empty if no label is written.
        escaped: The signs that are escaped in a label.
        safe: Replaces a token by a text that cannot be mistaken for a mark: models copy other
            brackets as they are, but mistake brackets for marks, even after a backslash.
        mark: Matches one mark in a free answer.
    """

    separator: str
    escaped: str
    safe: Callable[[str], str]
    mark: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class InlineBracketed(Inline):
    """A format that puts each entity into brackets at its place in a copy of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
        label_first: Write the label after the opening bracket instead of before the closing one.
        opening: The text that opens an entity.
        separator: The text between an entity and its label. None means " | ", or ": " if the label
            comes first.
        closing: The text that closes an entity, after the label if that comes last.
        names_labels: Write the label. If not, as in `@@Essex##`, the separator is left out, and the
            model is asked for one label at a time.

    Raises:
        ValueError: If the depth is below 1.
        ValueError: If a delimiter cannot be told apart from text, or from another delimiter.
        ValueError: If no label is written, but `separator` or `label_first` says where.
    """

    label_first: bool = False
    opening: str = "["
    separator: str | None = None
    closing: str = "]"
    names_labels: bool = True

    def __post_init__(self) -> None:
        Inline.__post_init__(self)  # A class with slots is made twice, and super() takes the first
        check_delimiter("opening", self.opening)
        check_delimiter("closing", self.closing)
        if self.separator is not None:
            check_delimiter("separator", self.separator)
        if self.opening.startswith(" ") or self.closing.endswith(" "):
            raise ValueError(
                f"opening = {self.opening!r} and closing = {self.closing!r} have a space on the "
                "outer side: leave it out, as the text around an entity brings its own"
            )
        if not self.names_labels and (self.label_first or self.separator is not None):
            raise ValueError(
                f"names_labels = false leaves out the label, but label_first = {self.label_first} "
                f"and separator = {self.separator!r} say where it is: set label_first = false and "
                "separator = null"
            )
        try:
            self.marks({"LABEL": ""})
        except ValueError as error:
            settings = f"opening = {self.opening!r}, closing = {self.closing!r}"
            separator = _spelling(self).separator
            raise ValueError(f"{settings} and separator = {separator!r}: {error}") from error

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        separator = _spelling(self).separator
        if self.label_first:
            inside = f"LABEL{separator}entity"
        else:
            inside = f"entity{separator}LABEL" if self.names_labels else "entity"
        return f"Copy the text and mark each entity as {self.opening}{inside}{self.closing}."

    def read(self, text: str) -> Marked:
        """Read a bracketed copy that a model wrote without constraints, however broken it is."""
        return replace(read_marks(text, _spelling(self).mark), names_labels=self.names_labels)

    def marks_of(self, labels: Labels) -> Marks:
        """Return the brackets for all labels.

        Raises:
            ValueError: If there are several labels, and none is written.
        """
        separator, escaped, safe, _ = _spelling(self)
        if not self.names_labels and len(labels) > 1:
            raise ValueError(
                f"names_labels = false serves one label at a time, but there are {len(labels)} "
                f"({', '.join(labels)}): give one of them, or set names_labels = true"
            )
        names = {label: escape(label, escaped) for label in labels}
        gap = " " if (separator if self.label_first else self.opening).endswith(" ") else ""
        if self.names_labels and not self.label_first:
            unlabelled = [(self.opening.rstrip(), None)] if labels else []
            closes = [(f"{separator}{name}{self.closing}", label) for label, name in names.items()]
            return Marks(unlabelled, {None: closes}, gap, safe)
        starts = dict.fromkeys(labels, self.opening)
        if self.label_first:
            starts = {label: f"{self.opening}{name}{separator}" for label, name in names.items()}
        opens = [(start.rstrip(), label) for label, start in starts.items()]
        return Marks(opens, {label: [(self.closing, None)] for label in labels}, gap, safe)


@lru_cache
def _spelling(format: InlineBracketed) -> _Spelling:
    """Return what follows from the settings of a format."""
    separator = format.separator
    if separator is None:
        separator = _SEPARATORS[format.label_first] if format.names_labels else ""
    is_label_last = format.names_labels and not format.label_first
    heads = [format.opening.strip(), (separator if is_label_last else format.closing).strip()]
    delimiters = escaped = signs(format.opening + separator + format.closing)
    default = "[", _SEPARATORS[format.label_first], "]"
    if (format.opening, separator, format.closing) == default:
        # Each default form also hides and escapes the delimiters of the other one: pipelines were
        # trained so.
        heads.append("|")
        escaped = signs(delimiters + "|:")
    return _Spelling(separator, escaped, hide(heads, delimiters), _mark(format, separator))


def _mark(format: InlineBracketed, separator: str) -> re.Pattern[str]:
    """Return the pattern of one mark, with or without the spaces at the ends of its delimiters.

    Brackets like the opening ones that come without a label are part of the text: in the answer
    "[the [sic] man | PER]", the pattern finds "[sic" and its "]" as well, so that these two belong
    together.
    """
    texts = (format.opening, separator, format.closing)
    opening, between, closing = map(_loose, texts)
    plain_closing = _loose(partner(format.opening.strip()))
    char = rf"(?:[^\\{re.escape(signs(''.join(texts)))}]|\\.)"
    if not format.names_labels:
        pattern = rf"{closing}|(?P<open>{opening})(?P<label>)"
    elif format.label_first:
        optional = "?" if format.closing.strip() == partner(format.opening.strip()) else ""
        pattern = rf"{closing}|(?P<open>{opening})(?:(?P<label>{char}+?){between}){optional}"
    else:
        pattern = rf"(?P<open>{opening})|{between}(?P<label>{char}*?){closing}"
        if plain_closing:
            pattern += f"|{plain_closing}"
    return re.compile(pattern, re.DOTALL)


def _loose(delimiter: str) -> str:
    """Return the pattern of a delimiter, in which a space at an end may be missing."""
    before = " ?" if delimiter.startswith(" ") else ""
    after = " ?" if delimiter.endswith(" ") else ""
    return before + re.escape(delimiter.strip()) + after


def read_bracketed(text: str, label_first: bool = False) -> Marked:
    """Read `[Essex | ORG]`, or `[ORG: Essex]` with the label first."""
    return InlineBracketed(label_first=label_first).read(text)
