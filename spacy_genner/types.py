"""The data that flows between the rooms of the package. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

GAPS = ("", " ", "\n", "\n\n")
"""What may stand before a token: nothing, a space, a line break, a blank line."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text as the model sees it: its tokens without white space.

    Attributes:
        words: The text of each token; never empty and never only white space.
        spaces: What stands before each token, as an index into `GAPS`: False for nothing, True for
            a space.
        starts: Whether each token is known to start a sentence, which no entity crosses; empty
            where no start is known.
    """

    words: tuple[str, ...]
    spaces: tuple[int, ...]
    starts: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if len(self.words) != len(self.spaces):
            raise ValueError(
                f"a Source of {len(self.words)} words has {len(self.spaces)} spaces: give one for "
                "each"
            )
        if len(self.starts) not in (0, len(self.words)):
            raise ValueError(
                f"a Source of {len(self.words)} words has {len(self.starts)} starts: give one for "
                "each"
            )
        if any(not word.strip() for word in self.words):
            raise ValueError(
                "a word of a Source is empty or only white space: white space belongs into `spaces`"
            )

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, part: slice) -> Source:
        return Source(self.words[part], self.spaces[part], self.starts[part])

    def bounds(self) -> list[int]:
        """For each token, and for the end, how far an entity that starts there may reach: to the
        next known start of a sentence, else to the end of the source."""
        bound, bounds = len(self), [len(self)]
        for position in reversed(range(len(self))):
            bounds.append(bound)
            if self.starts and self.starts[position]:
                bound = position
        return bounds[::-1]


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A labelled span of a Source.

    Attributes:
        start, end: Token indices, half-open.
        label: The name of its type.
        score: The model's probability of this span, in [0, 1]; no part of the identity.
    """

    start: int
    end: int
    label: str
    score: float = field(default=1.0, compare=False)

    def shifted(self, by: int) -> Entity:
        """The same entity `by` tokens to the right."""
        return Entity(self.start + by, self.end + by, self.label, self.score)


@dataclass(frozen=True, slots=True)
class Move:
    """A semantic step of a derivation, and the text that it writes.

    Attributes:
        kind: What the step does, one of the format's own words ("copy", "open", "close", …).
        text: What it writes, with its leading space. No move of a state writes a prefix of
            another's text.
        label: The label that the step decides, if it does.
        parts: What the text consists of, if that is several segments, each tokenised on its own.
    """

    kind: str
    text: str
    label: str | None = None
    parts: tuple[str, ...] = ()

    @property
    def segments(self) -> tuple[str, ...]:
        """What is tokenised on its own."""
        return self.parts or (self.text,)


@dataclass(frozen=True, slots=True)
class Step:
    """A move that was taken.

    Attributes:
        logprob: Natural logarithm of its probability among the legal moves: the sum over the nodes
            where there was a choice.
        forced: Whether there was no choice; `logprob` is 0 then.
        absence: Natural logarithm of the probability of all moves here but those of the grammar's
            pivotal kind.
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
        prefix: Instruction, labels, definitions: the same for every source of a label set.
        suffix: What stands between the source and the answer.
        shots: For each example between prefix and source, what stands between its source and its
            answer, and what stands behind its answer.
    """

    prefix: str
    suffix: str
    shots: tuple[tuple[str, str], ...] = ()
