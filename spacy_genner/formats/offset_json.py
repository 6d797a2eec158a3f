"""JSON with offsets: `[{"text": "Essex", "label": "GPE", "start": 62, "end": 67}]`. They count
characters, and the end is exclusive.

Source: the offset JSON format of LLMs4NER (arXiv 2601.17898). Unconstrained models count characters
badly; here only the true offsets of the text can be written.
"""

from dataclasses import dataclass

from ..labels.label_set import Labels
from ..text import Text
from ..types import Source
from .json_items import JSONItems, JSONItemsGrammar
from .json_text import quote


@dataclass(frozen=True, slots=True)
class OffsetJSON(JSONItems):
    """A format that lists the entities by text and label, and says where the text is, in characters
    from the first token of the source.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.
        text_key: The key of the text.
        label_key: The key of the label.
        label_first: Write the label before the text.
        start_key: The key of the first character.
        end_key: The key of the (exclusive) end.

    Raises:
        ValueError: If the depth is below 1.
        ValueError: If two keys are equal.
    """

    start_key: str = "start"
    end_key: str = "end"

    def places(self) -> dict[str, str]:
        """Return the keys of the offsets by their default names."""
        return {"start": self.start_key, "end": self.end_key}

    def instruction(self) -> str:
        """Return one sentence that tells an untuned model how to write its answer."""
        return self.example(f"0{self._before_end}6")

    def marks(self, labels: Labels) -> list[str]:
        """Return every text around mentions and offsets, and the digits."""
        return [*JSONItems.marks(self, labels), self._before_end]

    def grammar(self, source: Source, labels: Labels) -> JSONItemsGrammar:
        """Return the grammar of the JSON lists for a source."""
        text = Text(source.words, source.spaces)

        def offsets(start: int, end: int) -> str:
            return f"{text.starts[start]}{self._before_end}{text.ends[end - 1]}"

        return JSONItemsGrammar(source, labels, self.max_depth, self.layout(), offsets)

    @property
    def _before_end(self) -> str:
        """The text between the start and the end."""
        return f", {quote(self.end_key)}: "
