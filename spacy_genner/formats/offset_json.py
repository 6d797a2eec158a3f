"""JSON with offsets: `[{"text": "Essex", "label": "GPE", "start": 62, "end": 67}]`, in characters,
end exclusive.

Source: the offset JSON format of LLMs4NER (arXiv 2601.17898). Left to themselves, models count
characters badly; here only the true offsets of the text can be written.
"""

from dataclasses import dataclass

from ..answers import Listed
from ..labels.label_set import Labels
from ..text import Text
from ..types import Source
from .json_items import JSONItemsGrammar, item_marks, read_mentions_json
from .nested import Nested

_KEY = "start"


@dataclass(frozen=True, slots=True)
class OffsetJSON(Nested):
    """Lists the entities by text and label, and says where the text is, in characters from the
    first token on.

    Attributes:
        max_depth: How many spans may lie around one another, the innermost counted.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        example = '{"text": "entity", "label": "LABEL", "start": 0, "end": 6}'
        return f"List the entities as JSON, like [{example}]."

    def marks(self, labels: Labels) -> list[str]:
        """All around texts, and the digits."""
        return [*item_marks(labels, _KEY), ', "end": ', *(f"{digit}}}" for digit in range(10))]

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """The grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def offsets(start: int, end: int) -> str:
            return f'{text.starts[start]}, "end": {text.ends[end - 1]}'

        return JSONItemsGrammar(source, labels, self.max_depth, _KEY, offsets)

    def read(self, text: str) -> Listed:
        """What an answer says that was written freely, however broken it is."""
        return read_mentions_json(text)
