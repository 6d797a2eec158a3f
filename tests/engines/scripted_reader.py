"""A reader without a language model: a rule says what it thinks of an id after a history, and lists
have the ids at the top of a vocabulary, as those of vLLM."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from spacy_genner.engines.listed import Found, Reading
from spacy_genner.engines.rounds import MOST_CHOICES, without
from tests.decoding.scripted import Rule

PLAIN = frozenset(range(256)) | set(map(ord, "→…“”"))
"""The ids of characters that prompts and marks consist of."""


def uneven(history: tuple[int, ...], id: int) -> float:
    """A logit that depends on everything before it, between 0 and 8. It is quicker than `noise`."""
    return hash((*history, id)) % 65537 / 8192


class ScriptedReader:
    """rounds: What it was asked, at a time.
    vocabulary: All ids that there are.
    """

    positions = 4096

    def __init__(
        self, rule: Rule, top: int, texts: Iterable[str] = (), vocabulary: Iterable[int] = PLAIN
    ) -> None:
        self.rounds: list[list[Reading]] = []
        self._rule, self._top = rule, top
        self.vocabulary = frozenset(vocabulary).union(*(map(ord, text) for text in texts))

    @property
    def readings(self) -> list[Reading]:
        return [reading for readings in self.rounds for reading in readings]

    def read(self, readings: Sequence[Reading]) -> list[Found]:
        self.rounds.append(list(readings))
        return list(map(self.found, readings))

    def found(self, reading: Reading) -> Found:
        assert 0 < len(reading.choices) <= MOST_CHOICES
        assert self.vocabulary.issuperset([*reading.choices, *reading.ids])
        assert all(0 < place < len(reading.ids) for place in reading.listed)
        after = self.log_probs(reading.ids)
        lists = [self._listed(reading.ids, place) for place in reading.listed]
        return Found([after[id] for id in reading.choices], lists)

    def log_probs(self, ids: Sequence[int]) -> dict[int, float]:
        """The log-probability of each id of the vocabulary."""
        logits = {id: self._rule(tuple(ids), id) for id in self.vocabulary}
        total = math.log(math.fsum(map(math.exp, logits.values())))
        return {id: logit - total for id, logit in logits.items()}

    def _listed(self, ids: Sequence[int], place: int) -> dict[int, float]:
        log_probs = self.log_probs(ids[:place])
        top = sorted(log_probs, key=lambda id: -log_probs[id])[: self._top]
        return {id: log_probs[id] for id in (ids[place], *top)}

    def write(
        self, prompts: Sequence[Sequence[int]], most: Sequence[int], ends: Sequence[int]
    ) -> list[list[int]]:
        return [self.written(*each) for each in zip(prompts, most, ends, strict=True)]

    def written(self, prompt: Sequence[int], most: int, end: int) -> list[int]:
        assert most > 0
        ids: list[int] = []
        while len(ids) < most and ids[-1:] != [end]:
            log_probs = self.log_probs([*prompt, *ids])
            ids.append(max(log_probs, key=lambda id: log_probs[id]))
        return without(end, ids)
