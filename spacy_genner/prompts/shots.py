"""Few-shot examples in the prompt: which ones a source is shown."""

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
        count: How many are shown.
        nearest: Show each source those nearest to it by BM25, the nearest last. If false: show all
            sources the first ones, which are read only once.
    """

    count: int = 5
    nearest: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(
                f"count = {self.count}: show at least one example, or set shots = null"
            )


class Shots:
    """The examples of a prompt.

    Args:
        pool: Those to choose from; of several with the same text, white space apart, the first
            counts.
        settings: How many are shown, and which; None: none.

    Raises:
        ValueError: If there are too few to find the nearest among.
        ImportError: Without bm25s, which finds them.
    """

    def __init__(self, pool: Iterable[Shot] = (), settings: FewShot | None = None) -> None:
        distinct = dict[str, Shot]()
        for shot in pool:
            distinct.setdefault(_letters(shot[0]), shot)
        count, nearest = (settings.count, settings.nearest) if settings else (0, False)
        self.pool = list(distinct.values()) if nearest else list(distinct.values())[:count]
        self.shared = [] if nearest else self.pool
        """Those that all sources are shown."""
        self._near = count if nearest else 0
        self._index = (
            _bm25(source.words for source, _ in self.pool) if nearest and distinct else None
        )
        if 0 < len(self.pool) <= self._near:
            raise ValueError(
                f"the nearest {count} of {len(self.pool)} different examples: give more, as a "
                "text that is among them "
                "does not see itself"
            )

    @property
    def count(self) -> int:
        """How many a source is shown."""
        return len(self.shared) + self._near

    def near(self, source: Source) -> list[Shot]:
        """Those that this source alone is shown, the nearest last. It is never its own example."""
        if self._index is None:
            return []
        known = self._index.get_tokens_ids(_terms(source.words))
        scores = self._index.get_scores_from_ids(known)
        order = np.argsort(-scores, kind="stable")[: self._near + 1]
        letters = _letters(source)
        others = [self.pool[i] for i in order if _letters(self.pool[i][0]) != letters]
        return others[: self._near][::-1]


def shot_to_json(shot: Shot) -> dict[str, Any]:
    """An example as JSON can hold it."""
    source, entities = shot
    spans = [[entity.start, entity.end, entity.label] for entity in entities]
    return {**asdict(source), "spans": spans}


def shot_from_json(packed: Any) -> Shot:
    """The example that was packed.

    Raises:
        ValueError: If it is something else, or cannot be encoded.
    """
    match packed:
        case {"words": [*words], "spaces": [*spaces], "spans": [*spans]} if all(
            isinstance(w, str) for w in words
        ):
            "".join(words).encode()
            source = Source(tuple(words), tuple(map(int, spaces)), tuple(packed.get("starts", ())))
            return source, tuple(_entity(span, len(source)) for span in spans)
    raise ValueError(f"{str(packed)[:80]!r} is no example: expected words, spaces and spans")


def _entity(packed: Any, length: int) -> Entity:
    match packed:
        case [int(start), int(end), str(label)] if 0 <= start < end <= length:
            return Entity(start, end, label)
    raise ValueError(
        f"{packed!r} is no span of {length} words: expected a start, an end behind it, and a label"
    )


def _bm25(texts: Iterable[Sequence[str]]) -> Any:
    try:
        from bm25s import BM25
    except ImportError as error:
        raise ImportError(
            'nearest = true finds examples with bm25s: pip install "spacy-genner[shots]"'
        ) from error
    index = BM25()
    index.index([_terms(words) for words in texts], show_progress=False)
    return index


def _letters(source: Source) -> str:
    """What tells texts apart: examples may have other tokens than the pipeline makes of the same
    text."""
    return "".join(source.words)


def _terms(words: Iterable[str]) -> list[str]:
    return [word.lower() for word in words]
