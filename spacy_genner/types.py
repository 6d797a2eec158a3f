"""The data that flows between the rooms of the package. Imports only the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field

GAPS = ("", " ", "\n", "\n\n")
"""What may come before a token: nothing, a space, a line break, or a blank line."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text as the model sees it: its tokens without white space.

    Attributes:
        words: The text of each token, which is never empty and never only white space.
        spaces: What comes before each token, as an index into `GAPS`. False and True mean nothing
            and a space.
        starts: Whether each token is known to start a sentence, which no entity crosses. Empty if
            no sentence start is known.
    """

    words: tuple[str, ...]
    spaces: tuple[int, ...]
    starts: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if len(self.words) != len(self.spaces):
            raise ValueError(
                f"a Source has {len(self.words)} words but {len(self.spaces)} spaces: give one "
                "value in `spaces` for each word"
            )
        if len(self.starts) not in (0, len(self.words)):
            raise ValueError(
                f"a Source has {len(self.words)} words but {len(self.starts)} starts: give one "
                "value in `starts` for each word, or none at all"
            )
        if any(not word.strip() for word in self.words):
            raise ValueError(
                "a word of a Source is empty or only white space: leave it out, and describe the "
                "white space in `spaces`"
            )

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, part: slice) -> Source:
        return Source(self.words[part], self.spaces[part], self.starts[part])

    def bounds(self) -> list[int]:
        """Return, for each token, the greatest (exclusive) end of an entity that starts there.

        That is the next known start of a sentence, or else the end of the source. The last element
        is an additional one, for the end of the source itself.
        """
        bounds = [len(self)] * (len(self) + 1)
        bound = len(self)
        for position in reversed(range(len(self))):
            bounds[position] = bound
            if self.starts and self.starts[position]:
                bound = position
        return bounds


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A labelled span of a Source.

    Attributes:
        start: The index of its first token.
        end: The index after its last token.
        label: The name of its type.
        score: The model's probability of this span, in [0, 1]. Entities that differ only in their
            scores are equal.
    """

    start: int
    end: int
    label: str
    score: float = field(default=1.0, compare=False)

    def shifted(self, by: int) -> Entity:
        """Return the entity moved `by` tokens to the right."""
        return Entity(self.start + by, self.end + by, self.label, self.score)


@dataclass(frozen=True, slots=True)
class Move:
    """A semantic step of a derivation, and the text that it writes.

    Attributes:
        kind: What the step does, in one of the format's own words ("copy", "open", "close", …).
        text: The text that it writes, with its leading space. No move that is legal in a state
            writes a prefix of another one's text.
        label: The label that the step decides, if it decides one.
        parts: The segments of the text that are tokenised separately, if there are several.
    """

    kind: str
    text: str
    label: str | None = None
    parts: tuple[str, ...] = ()

    @property
    def segments(self) -> tuple[str, ...]:
        """The texts that are tokenised separately: the parts, or else the whole text."""
        return self.parts or (self.text,)


@dataclass(frozen=True, slots=True)
class Step:
    """A move that was taken, with its probability.

    Attributes:
        move: The move.
        logprob: The log-probability (natural logarithm) of the move among the legal ones: the sum
            over the nodes where there was a choice.
        forced: Whether there was no choice at all; `logprob` is 0 then.
        absence: The log-probability that the move is not of the grammar's pivotal kind.
    """

    move: Move
    logprob: float
    forced: bool
    absence: float = 0.0


Trace = tuple[Step, ...]
"""A complete derivation with the probability of every step."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads around the source.

    Attributes:
        prefix: Instruction, labels, and definitions: the same for every source of a label set.
        suffix: The text between the source and the answer.
        shots: For each example between the prefix and the source, the text between the example's
            source and its answer, and the text after its answer.
    """

    prefix: str
    suffix: str
    shots: tuple[tuple[str, str], ...] = ()
