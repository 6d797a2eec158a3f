"""Few-shot examples: which ones a prompt shows before each source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from ..types import Entity, Source

Shot: TypeAlias = tuple[Source, tuple[Entity, ...]]
"""An example: a source and its entities."""


@dataclass(frozen=True, slots=True)
class FewShot:
    """Examples with their answers in the prompt, for models that were not trained on the task.

    Attributes:
        count: The number of examples that are shown.
        nearest: Whether to show each source the examples nearest to it by BM25, the nearest last.
            If false, all sources are shown the first examples, which the model reads only once.
    """

    count: int = 5
    nearest: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(
                f"count = {self.count}: show at least one example, or set shots = null"
            )


class Shots:
    """The examples that a prompt can show.

    Args:
        pool: The examples to choose from. Of several whose texts differ only in white space, the
            first is used.
        settings: How many examples are shown, and which. None: none.

    Attributes:
        pool: The different examples that may be shown.
        shared: The examples that all sources are shown.

    Raises:
        ValueError: If there are too few examples to find the nearest ones among them.
        ImportError: If the nearest ones are wanted and bm25s, which finds them, is not installed.
    """

    def __init__(self, pool: Iterable[Shot] = (), settings: FewShot | None = None) -> None:
        distinct: dict[str, Shot] = {}
        for shot in pool:
            distinct.setdefault(_letters(shot[0]), shot)
        examples = list(distinct.values())
        count = settings.count if settings else 0
        nearest = settings is not None and settings.nearest
        self.pool = examples if nearest else examples[:count]
        self.shared = [] if nearest else self.pool
        self._near = count if nearest else 0
        self._index = (
            _bm25([source.words for source, _ in examples]) if nearest and examples else None
        )
        if 0 < len(self.pool) <= self._near:
            raise ValueError(
                f"count = {count} needs more than {len(self.pool)} different examples, because a "
                "text that is one of them is not shown itself: give more examples"
            )

    @property
    def count(self) -> int:
        """The number of examples that each source is shown."""
        return len(self.shared) + self._near

    def near(self, source: Source) -> list[Shot]:
        """Return the examples that only this source is shown, the nearest last. A source is never
        its own example."""
        if self._index is None:
            return []
        known = self._index.get_tokens_ids(_terms(source.words))
        scores = self._index.get_scores_from_ids(known)
        order = np.argsort(-scores, kind="stable")[: self._near + 1]
        letters = _letters(source)
        others = [self.pool[i] for i in order if _letters(self.pool[i][0]) != letters]
        return others[: self._near][::-1]


def shot_to_json(shot: Shot) -> dict[str, Any]:
    """Convert an example to what JSON can hold."""
    source, entities = shot
    spans = [[entity.start, entity.end, entity.label] for entity in entities]
    return {**asdict(source), "spans": spans}


def shot_from_json(packed: Any) -> Shot:
    """Convert what `shot_to_json` returned back to an example.

    Raises:
        ValueError: If it is something else, or if a word cannot be encoded.
    """
    match packed:
        case {"words": [*words], "spaces": [*spaces], "spans": [*spans]} if all(
            isinstance(word, str) for word in words
        ):
            "".join(words).encode()
            source = Source(tuple(words), tuple(map(int, spaces)), tuple(packed.get("starts", ())))
            return source, tuple(_entity(span, len(source)) for span in spans)
    raise ValueError(f"{str(packed)[:80]!r} is not an example: expected words, spaces and spans")


def _entity(packed: Any, length: int) -> Entity:
    match packed:
        case [int(start), int(end), str(label)] if 0 <= start < end <= length:
            return Entity(start, end, label)
    raise ValueError(
        f"{packed!r} is not a span of {length} words: expected a start, an end after it, and a "
        "label"
    )


def _bm25(texts: Sequence[Sequence[str]]) -> Any:
    try:
        from bm25s import BM25
    except ImportError as error:
        raise ImportError(
            "nearest = true finds examples with bm25s, which is not installed: "
            'pip install "spacy-genner[shots]"'
        ) from error
    index = BM25()
    index.index([_terms(words) for words in texts], show_progress=False)
    return index


def _letters(source: Source) -> str:
    """Return the text without white space, by which texts are compared: an example may be tokenised
    differently from how the pipeline tokenises the same text."""
    return "".join(source.words)


def _terms(words: Iterable[str]) -> list[str]:
    return [word.lower() for word in words]
