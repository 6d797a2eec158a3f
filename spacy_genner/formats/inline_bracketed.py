"""Inline brackets: `[Essex | ORG]`, nested `[[c-fos | RNA] promoter | DNA]`, or label first:
`[ORG: Essex]`.

Source: the inline bracketed format of LLMs4NER (arXiv 2601.17898).
"""

import re
from dataclasses import dataclass

from ..answers import Marked
from ..labels.label_set import Labels
from .backslashes import escape
from .inline import Inline, Marks
from .marked_copies import read_marks

_PLAIN = str.maketrans("[]|", "()/")
"""What replaces the brackets of a source: models copy parentheses as they are, but mistake brackets
for marks, even after a backslash."""
_LABEL_LAST = re.compile(r"(?P<open>\[)|(?: ?\| ?(?P<label>(?:[^\\\[\]|]|\\.)*))?\]", re.DOTALL)
_LABEL_FIRST = re.compile(r"(?P<open>\[)(?:(?P<label>(?:[^\\\[\]|:]|\\.)+): ?)?|\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class InlineBracketed(Inline):
    """A format that puts each entity into brackets at its place in a copy of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
        label_first: Write the label after the opening bracket instead of before the closing one.
    """

    label_first: bool = False

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        example = "[LABEL: entity]" if self.label_first else "[entity | LABEL]"
        return f"Copy the text and mark each entity as {example}."

    def read(self, text: str) -> Marked:
        """Read a bracketed copy that a model wrote without constraints, however broken it is."""
        return read_bracketed(text, self.label_first)

    def marks_of(self, labels: Labels) -> Marks:
        """Return the brackets for all labels."""
        names = {label: escape(label, "[]|:") for label in labels}
        if self.label_first:
            opens = [(f"[{name}:", label) for label, name in names.items()]
            return Marks(opens, {label: [("]", None)] for label in labels}, " ", _safe)
        closes = [(f" | {name}]", label) for label, name in names.items()]
        return Marks([("[", None)] if labels else [], {None: closes}, "", _safe)


def _safe(word: str) -> str:
    return word.translate(_PLAIN)


def read_bracketed(text: str, label_first: bool = False) -> Marked:
    """Read `[Essex | ORG]`, or `[ORG: Essex]` with the label first."""
    return read_marks(text, _LABEL_FIRST if label_first else _LABEL_LAST)
