"""Inline brackets: `[Essex | ORG]`, nested `[[c-fos | RNA] promoter | DNA]`, or label first `[ORG:
Essex]`.

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
"""What stands for brackets of the text: a model copies them, and behind a backslash it takes them
for marks."""
_LABEL_LAST = re.compile(r"(?P<open>\[)|(?: ?\| ?(?P<label>(?:[^\\\[\]|]|\\.)*))?\]", re.DOTALL)
_LABEL_FIRST = re.compile(r"(?P<open>\[)(?:(?P<label>(?:[^\\\[\]|:]|\\.)+): ?)?|\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class InlineBracketed(Inline):
    """Marks each entity where it stands in a copy of the source.

    max_depth: How many spans may be open at one place.

    Attributes:
        label_first: Write the label at the opening bracket instead of the closing one.
    """

    label_first: bool = False

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        example = "[LABEL: entity]" if self.label_first else "[entity | LABEL]"
        return f"Copy the text and mark each entity as {example}."

    def read(self, text: str) -> Marked:
        """What an answer says that was written freely, however broken it is."""
        return read_bracketed(text, self.label_first)

    def marks_of(self, labels: Labels) -> Marks:
        """The brackets of every label."""
        names = {label: escape(label, "[]|:") for label in labels}
        if self.label_first:
            opens = [(f"[{name}:", label) for label, name in names.items()]
            return Marks(opens, {label: [("]", None)] for label in labels}, " ", _safe)
        closes = [(f" | {name}]", label) for label, name in names.items()]
        return Marks([("[", None)] if labels else [], {None: closes}, "", _safe)


def _safe(word: str) -> str:
    return word.translate(_PLAIN)


def read_bracketed(text: str, label_first: bool = False) -> Marked:
    """`[Essex | ORG]`, or `[ORG: Essex]`."""
    return read_marks(text, _LABEL_FIRST if label_first else _LABEL_LAST)
