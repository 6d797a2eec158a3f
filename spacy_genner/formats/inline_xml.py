"""Inline XML: `<ORG>Essex</ORG>`, nested `<DNA><RNA>c-fos</RNA> promoter</DNA>`.

Source: the inline XML format of LLMs4NER (arXiv 2601.17898).
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from xml.sax.saxutils import escape, unescape

from ..answers import Marked
from ..labels.label_set import Labels
from .inline import Inline, Marks
from .marked_copies import MarkedCopy

_TAG = re.compile(r"<(/?[^<>]+)>")


@dataclass(frozen=True, slots=True)
class InlineXML(Inline):
    """A format that puts each entity between two tags at its place in a copy of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return "Copy the text and mark each entity as <LABEL>entity</LABEL>."

    def read(self, text: str) -> Marked:
        """Read a tagged copy that a model wrote without constraints, however broken it is."""
        return read_xml(text)

    def marks_of(self, labels: Labels) -> Marks:
        """Return the tags of all labels."""
        # A label "/A" must not open as `</A>`, which closes the label "A".
        names = {label: re.sub("^/", "&#47;", escape(label)) for label in labels}
        opens = [(f"<{name}>", label) for label, name in names.items()]
        return Marks(
            opens, {label: [(f"</{name}>", None)] for label, name in names.items()}, "", _safe
        )


def _safe(word: str) -> str:
    return word.replace("<", "&lt;")


def read_xml(text: str) -> Marked:
    """Read `<ORG>Essex</ORG>`. A closing tag closes the last open tag of its name, even if others
    were opened after it."""
    copy = MarkedCopy()
    opened = defaultdict[str, list[int]](list)
    end = 0
    for tag in _TAG.finditer(text):
        copy.write(text[end : tag.start()])
        end = tag.end()
        closed = _unescape(tag[1].removeprefix("/"))
        if tag[1].startswith("/") and opened[closed]:
            copy.close(opened[closed].pop(), closed)
        else:
            opened[_unescape(tag[1])].append(copy.write(tag[0]))
    copy.write(text[end:])
    return copy.marked()


def _unescape(text: str) -> str:
    return unescape(text, {"&#47;": "/"})
