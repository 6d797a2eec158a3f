"""Inline brackets: `[Essex | ORG]`, nested `[[c-fos | RNA] promoter | DNA]`, or label first `[ORG: Essex]`.

Source: the inline bracketed format of LLMs4NER (arXiv 2601.17898).
"""

import re
from dataclasses import dataclass

from ..answers import Marked
from ..labels import Labels
from ..types import Source
from .inline import InlineGrammar, Marks
from .nested import Nested
from .read_marked import read_bracketed

_PLAIN = str.maketrans("[]|", "()/")
"""What stands for brackets of the text: a model copies them, and behind a backslash it takes them for marks."""
_LABEL_DELIMITER = re.compile(r"[\\\[\]|:]")


@dataclass(frozen=True, slots=True)
class InlineBracketed(Nested):
    """Marks each entity where it stands in a copy of the source.

    max_depth: How many spans may be open at one place.
    label_first: Write the label at the opening bracket instead of the closing one.
    """

    label_first: bool = False

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        example = "[LABEL: entity]" if self.label_first else "[entity | LABEL]"
        return f"Copy the text and mark each entity as {example}."

    def marks(self, labels: Labels) -> list[str]:
        """The brackets, with and without a space before them, for every label."""
        return self._marks(labels).texts()

    def grammar(self, source: Source, labels: Labels) -> InlineGrammar:
        """The grammar of the marked copies of a source."""
        return InlineGrammar(source, labels, self.max_depth, self._marks(labels))

    def read(self, text: str) -> Marked:
        """What an answer says that was written freely, however broken it is."""
        return read_bracketed(text, self.label_first)

    def _marks(self, labels: Labels) -> Marks:
        names = {label: _LABEL_DELIMITER.sub(r"\\\g<0>", label) for label in labels}
        if self.label_first:
            opens = [(f"[{name}:", label) for label, name in names.items()]
            return Marks(opens, {label: [("]", None)] for label in labels}, " ", _safe)
        closes = [(f" | {name}]", label) for label, name in names.items()]
        return Marks([("[", None)] if labels else [], {None: closes}, "", _safe)


def _safe(word: str) -> str:
    return word.translate(_PLAIN)
