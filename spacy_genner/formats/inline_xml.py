"""Inline XML: `<ORG>Essex</ORG>`, nested `<DNA><RNA>c-fos</RNA> promoter</DNA>`.

Source: the inline XML format of LLMs4NER (arXiv 2601.17898).
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from ..answers import Marked
from ..labels import Labels
from ..types import Source
from .inline import InlineGrammar, Marks
from .nested import Nested
from .read_marked import read_xml


@dataclass(frozen=True, slots=True)
class InlineXML(Nested):
    """Marks each entity by a tag before it and one behind it, in a copy of the source.

    max_depth: How many spans may be open at one place.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return "Copy the text and mark each entity as <LABEL>entity</LABEL>."

    def marks(self, labels: Labels) -> list[str]:
        """The tags, the opening ones with and without a space before them, for every label."""
        return self._marks(labels).texts()

    def grammar(self, source: Source, labels: Labels) -> InlineGrammar:
        """The grammar of the marked copies of a source."""
        return InlineGrammar(source, labels, self.max_depth, self._marks(labels))

    def read(self, text: str) -> Marked:
        """What an answer says that was written freely, however broken it is."""
        return read_xml(text)

    def _marks(self, labels: Labels) -> Marks:
        names = {label: re.sub("^/", "&#47;", escape(label)) for label in labels}  # a slash ends a span
        opens = [(f"<{name}>", label) for label, name in names.items()]
        return Marks(opens, {label: [(f"</{name}>", None)] for label, name in names.items()}, "", _safe)


def _safe(word: str) -> str:
    return word.replace("<", "&lt;")
