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
    """Marks each entity by a tag before it and one behind it, in a copy of the source.

    max_depth: How many spans may be open at one place.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        return "Copy the text and mark each entity as <LABEL>entity</LABEL>."

    def read(self, text: str) -> Marked:
        """What an answer says that was written freely, however broken it is."""
        return read_xml(text)

    def marks_of(self, labels: Labels) -> Marks:
        """The tags of every label."""
        names = {
            label: re.sub("^/", "&#47;", escape(label)) for label in labels
        }  # a slash ends a span
        opens = [(f"<{name}>", label) for label, name in names.items()]
        return Marks(
            opens, {label: [(f"</{name}>", None)] for label, name in names.items()}, "", _safe
        )


def _safe(word: str) -> str:
    return word.replace("<", "&lt;")


def read_xml(text: str) -> Marked:
    """`<ORG>Essex</ORG>`. A tag closes the last open one of its name, also across others."""
    copy, opened, end = MarkedCopy(), defaultdict[str, list[int]](list), 0
    for tag in _TAG.finditer(text):
        copy.write(text[end : tag.start()])
        end, name, closed = tag.end(), _unescape(tag[1]), _unescape(tag[1][1:])
        if tag[1][0] == "/" and opened[closed]:
            copy.close(opened[closed].pop(), closed)
        else:
            opened[name].append(copy.write(tag[0]))
    copy.write(text[end:])
    return copy.marked()


def _unescape(text: str) -> str:
    return unescape(text, {"&#47;": "/"})
