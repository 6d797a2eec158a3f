"""JSON with offsets: `[{"text": "Essex", "label": "GPE", "start": 62, "end": 67}]`. They count
characters, and the end is exclusive.

Source: the offset JSON format of LLMs4NER (arXiv 2601.17898). Unconstrained models count characters
badly; here only the true offsets of the text can be written.
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
    """A format that lists the entities by text and label, and says where the text is, in characters
    from the first token of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        example = '{"text": "entity", "label": "LABEL", "start": 0, "end": 6}'
        return f"List the entities as JSON, like [{example}]."

    def marks(self, labels: Labels) -> list[str]:
        """Return every text around mentions and offsets, and the digits."""
        return [*item_marks(labels, _KEY), ', "end": ', *(f"{digit}}}" for digit in range(10))]

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """Return the grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def offsets(start: int, end: int) -> str:
            return f'{text.starts[start]}, "end": {text.ends[end - 1]}'

        return JSONItemsGrammar(source, labels, self.max_depth, _KEY, offsets)

    def read(self, text: str) -> Listed:
        """Read a JSON list that a model wrote without constraints, however broken it is."""
        return read_mentions_json(text)
