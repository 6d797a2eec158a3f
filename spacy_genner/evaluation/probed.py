"""What a check of a model has measured: whether model, prompt and format belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeAlias

from ..answers import Repairs
from ..formats.base import Format
from ..models.answered import OWN, PLACES, Answered
from ..text import Extent
from ..types import Entity
from .other_formats import all_formats, delimiters, read_by
from .strays import LEGAL, Stray, stray

Spans: TypeAlias = Set[Entity] | Set[Extent]
"""A set of spans, with or without their labels."""


@dataclass(frozen=True)
class Probed:
    """The answers of a model to prompts whose gold answers are known.

    Attributes:
        answers: The prompts with their answers, at least one.
        format: The format in which answers are expected.
        label_of: The labels that the model's words mean.
        base: The name of the base weights.
        trained_on: The name of the base that the adapter was trained on, if it says so.
        lost: The number of gold spans that cannot be expressed, for each reason.
    """

    answers: Sequence[Answered]
    format: Format
    label_of: Mapping[str, str]
    base: str
    trained_on: str | None
    lost: Mapping[str, int]

    @cached_property
    def strays(self) -> list[Stray]:
        """Where the free answers that are not the gold ones stray."""
        return [found for answer in self.answers if (found := stray(answer))]

    @property
    def legal(self) -> int:
        """The number of free answers that are legal as they were written."""
        return len(self.answers) - sum(stray.kind != LEGAL for stray in self.strays)

    @property
    def repairs(self) -> Repairs:
        """What was wrong with all free answers."""
        return sum((answer.repairs for answer in self.answers), Repairs())

    @property
    def free_f(self) -> float:
        """The F1 of the entities that were read in the free answers."""
        return f1((set(answer.gold), set(answer.free)) for answer in self.answers)

    @property
    def constrained_f(self) -> float:
        """The F1 of the entities of the best legal answers."""
        return f1((set(answer.gold), set(answer.constrained)) for answer in self.answers)

    @property
    def ways(self) -> list[str]:
        """The names of the ways in which the model was set up, the present one first."""
        return list(self.answers[0].log_probs)

    def summary(self) -> dict[str, Any]:
        """Return what was measured, in a form that JSON can hold. All shares are fractions."""
        return {
            "prompts": len(self.answers),
            "legal": self.legal / len(self.answers),
            "free_f": self.free_f,
            "constrained_f": self.constrained_f,
            "repairs": asdict(self.repairs),
            "lost": dict(self.lost),
            "spellings": dict(zip(("segments", "tokenizer"), self.spellings, strict=True)),
            "log_probs": {
                way: {place: mean for place, (_, mean) in self.by_place(way).items()}
                | {"all": self.log_prob(way)}
                for way in self.ways
            },
        }

    def log_prob(self, way: str = OWN) -> float:
        """Return the mean log-probability of a token id of the gold answers."""
        values = [value for answer in self.answers for _, value in answer.log_probs[way]]
        return sum(values) / len(values)

    @property
    def spellings(self) -> tuple[float, float]:
        """The mean log-probability of a gold answer as it is spelled in decoding, segment by
        segment, and as the tokenizer itself spells it."""
        own = sum(value for answer in self.answers for _, value in answer.log_probs[OWN])
        whole = sum(answer.respelled for answer in self.answers)
        return own / len(self.answers), whole / len(self.answers)

    def by_place(self, way: str = OWN) -> dict[str, tuple[int, float]]:
        """Return the number of token ids in each kind of place of the gold answers, and their mean
        log-probability. Kinds of places that do not occur are left out."""
        found: dict[str, list[float]] = {place: [] for place in PLACES}
        for answer in self.answers:
            for place, value in answer.log_probs[way]:
                found[place].append(value)
        return {
            place: (len(values), sum(values) / len(values))
            for place, values in found.items()
            if values
        }

    @cached_property
    def best_format(self) -> Format:
        """The format whose reader finds the most gold spans in the free answers, whatever their
        labels are called; of several, that in which the most answers are legal."""
        candidates = [self.format, *all_formats()]
        if derived := delimiters(self.answers):
            candidates.append(derived)
        return max(candidates, key=self.read_as)

    def read_as(self, format: Format) -> tuple[float, float]:
        """Read the free answers in a format.

        Returns:
            The F1 of the spans that its reader finds, without their labels, and the share of
            answers that are legal ones of the format.
        """
        pairs, legal = list[tuple[Spans, Spans]](), 0
        for answer in self.answers:
            entities, is_legal = read_by(format, answer)
            pairs.append((_spans(answer.gold), _spans(entities)))
            legal += is_legal
        return f1(pairs), legal / len(self.answers)


def _spans(entities: Iterable[Entity]) -> Spans:
    return {(entity.start, entity.end) for entity in entities}


def f1(pairs: Iterable[tuple[Spans, Spans]]) -> float:
    """Return the F1 of what was found.

    Args:
        pairs: For each text, what is to be found and what was found.

    Returns:
        A fraction; 1 if there is nothing on either side.
    """
    correct = total = 0
    for gold, found in pairs:
        correct += len(gold & found)
        total += len(gold) + len(found)
    return 2 * correct / total if total else 1.0
