"""JSON with occurrences: `[{"text": "Essex", "label": "GPE", "occurrence_index": 1}]`. They are
counted from 1, including those inside other words.

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
    """A format that lists the entities by text and label, and says which occurrence of the text is
    meant.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
    """

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        example = f'{{"text": "entity", "label": "LABEL", "{_KEY}": 1}}'
        return f"List the entities as JSON, like [{example}]."

    def marks(self, labels: Labels) -> list[str]:
        """Return every text around mentions, and the digits."""
        return [*item_marks(labels, _KEY), *(f"{digit}}}" for digit in range(10))]

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """Return the grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def occurrence(start: int, end: int) -> str:
            return str(text.occurrences(text(start, end)).index(text.starts[start]) + 1)

        return JSONItemsGrammar(source, labels, self.max_depth, _KEY, occurrence)

    def read(self, text: str) -> Listed:
        """Read a JSON list that a model wrote without constraints, however broken it is."""
        return read_mentions_json(text)
