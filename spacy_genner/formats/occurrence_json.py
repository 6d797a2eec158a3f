"""JSON with occurrences: `[{"text": "Essex", "label": "GPE", "occurrence_index": 1}]`, counted from
1, also those inside of other words.

Source: the occurrence JSON format of LLMs4NER (arXiv 2601.17898).
"""

from dataclasses import dataclass

from ..answers import Listed
from ..labels.label_set import Labels
from ..text import Text
from ..types import Source
from .json_items import JSONItemsGrammar, item_marks, read_mentions_json
from .nested import Nested

_KEY = "occurrence_index"


@dataclass(frozen=True, slots=True)
class OccurrenceJSON(Nested):
    """Lists the entities by text and label, and says which of the places of the text is meant.

    Attributes:
        max_depth: How many spans may lie around one another, the innermost counted.
    """

    def instruction(self) -> str:
        """One sentence that tells an untuned model how to write its answer."""
        example = f'{{"text": "entity", "label": "LABEL", "{_KEY}": 1}}'
        return f"List the entities as JSON, like [{example}]."

    def marks(self, labels: Labels) -> list[str]:
        """All around texts, and the digits."""
        return [*item_marks(labels, _KEY), *(f"{digit}}}" for digit in range(10))]

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """The grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def occurrence(start: int, end: int) -> str:
            return str(text.occurrences(text(start, end)).index(text.starts[start]) + 1)

        return JSONItemsGrammar(source, labels, self.max_depth, _KEY, occurrence)

    def read(self, text: str) -> Listed:
        """What an answer says that was written freely, however broken it is."""
        return read_mentions_json(text)
