"""What a trained pipeline decided on sentences: all that decoding them again with another network
needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy_genner.decoding.marks import Pattern
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.labels.label_set import Labels
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.lm.steps import Steps
from spacy_genner.types import Entity

from .base import Subject, Task
from .replay import STALE, Recording, Script


@dataclass(frozen=True)
class HeadShape:
    """A draft head but for its weights.

    Attributes:
        patterns: Its classes.
        copies_first: Whether a plain copy is to be tried along with the prompt.
        depth: The share of the layers after which it comes.
    """

    patterns: Sequence[Pattern]
    copies_first: bool
    depth: float

    @classmethod
    def of(cls, steps: Steps) -> HeadShape | None:
        """That of a trained model, if it has a draft head."""
        head, layers = steps.draft_head, steps.model.config.get_text_config().num_hidden_layers
        return cls(head.patterns, head.copies_first, head.layer / layers) if head else None


class Spelling:
    """The ids of the segments that answers consist of, in the place of a tokenizer.

    Args:
        end: The id that ends an answer.
    """

    def __init__(self, ids: dict[str, list[int]], end: int) -> None:
        self._ids, self.end = ids, end

    def encode(self, text: str) -> list[int]:
        """The ids of a segment.

        Raises:
            ValueError: For one that was not recorded.
        """
        if text not in self._ids:
            raise ValueError(f"{STALE} (it does not spell {text!r})")
        return self._ids[text]


@dataclass(frozen=True)
class Recorded:
    """What a trained pipeline decided.

    Attributes:
        entities: Those that it found in the sentence of each task.
        scripts: How it decoded each.
        head: Its draft head, if it has one.
        pieces: Its tokenizer, or a `Spelling`.
    """

    tasks: Sequence[Task]
    entities: list[list[Entity]]
    scripts: list[Script]
    head: HeadShape | None
    pieces: Any
    format: Format
    labels: Labels


def record(subject: Subject, tasks: Sequence[Task]) -> Recorded:
    """Decode sentences, alone, with a trained model."""
    steps = subject.lm.steps
    recording, decoder = Recording(steps), SpeculativeDecoder(1)
    entities = list[list[Entity]]()
    for task in tasks:
        [trace] = decoder(SessionEngine(recording), [task.job])
        entities.append(
            [entity for entity, _ in task.job.grammar.entities([step.move for step in trace])]
        )
    head, pieces = HeadShape.of(steps), subject.lm.pieces
    return Recorded(
        tasks, entities, recording.scripts, head, pieces, subject.format, subject.labels
    )
