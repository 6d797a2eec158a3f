"""JSON with occurrences: `[{"text": "Essex", "label": "GPE", "occurrence_index": 1}]`. They are
counted from 1, including those inside other words.

Source: the occurrence JSON format of LLMs4NER (arXiv 2601.17898).
"""

from dataclasses import dataclass, replace

from ..answers import Listed, Mention
from ..labels.label_set import Labels
from ..text import Text
from ..types import Source
from .json_items import JSONItems, JSONItemsGrammar


@dataclass(frozen=True, slots=True)
class OccurrenceJSON(JSONItems):
    """A format that lists the entities by text and label, and says which occurrence of the text is
    meant.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
        text_key: The key of the text.
        label_key: The key of the label.
        label_first: Write the label before the text.
        occurrence_key: The key of the occurrence.
        first_occurrence: The number of the first occurrence, 0 or 1.

    Raises:
        ValueError: If the depth is below 1.
        ValueError: If two keys are equal.
        ValueError: If `first_occurrence` is neither 0 nor 1.
    """

    occurrence_key: str = "occurrence_index"
    first_occurrence: int = 1

    def __post_init__(self) -> None:
        JSONItems.__post_init__(self)
        if self.first_occurrence not in (0, 1):
            raise ValueError(
                f"first_occurrence = {self.first_occurrence}: occurrences are counted from 0 or "
                "from 1, so set it to one of these"
            )

    def places(self) -> dict[str, str]:
        """Return the key of the occurrence by its default name."""
        return {"occurrence_index": self.occurrence_key}

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return self.example(str(self.first_occurrence))

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """Return the grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def occurrence(start: int, end: int) -> str:
            index = text.occurrences(text(start, end)).index(text.starts[start])
            return str(index + self.first_occurrence)

        return JSONItemsGrammar(source, labels, self.max_depth, self.layout(), occurrence)

    def read(self, text: str) -> Listed:
        """Read a JSON list that a model wrote without constraints, however broken it is."""
        answer = JSONItems.read(self, text)
        return replace(answer, mentions=[self._counted_from_1(each) for each in answer.mentions])

    def _counted_from_1(self, mention: Mention) -> Mention:
        if mention.occurrence is None:
            return mention
        return replace(mention, occurrence=mention.occurrence + 1 - self.first_occurrence)
