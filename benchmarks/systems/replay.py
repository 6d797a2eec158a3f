"""What a trained model decides, recorded, and decided again by a model of another size with random
weights, which does
all of its own work: the same drafts, passes and answers at another cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch

from spacy_genner.lm.steps import Session, Steps

from .base import CountingSession, CountingSteps
from .plans import Expected, NotedPlan, RepeatedPlan

Chunk = tuple[int, ...]

STALE = (
    "the recording does not fit the decoder, which drafts in another way now: run "
    "benchmarks/record.py again"
)


@dataclass
class Script:
    """How a trained model decodes one sentence.

    Attributes:
        first: The chunk that it reads first.
        expected: What its draft head expected, if it has one.
        answers: The indices of the chosen ids, pass by pass.
    """

    first: Chunk = ()
    expected: Expected = field(default_factory=dict)
    answers: list[list[int]] = field(default_factory=list)


class Recording(CountingSteps):
    """A trained model that decodes sentences alone, one after another.

    Attributes:
        scripts: Of each sentence, in the order in which they are decoded.
    """

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        self.scripts: list[Script] = []

    def session(self, prefix: Chunk, rows: int) -> RecordedSession:
        """A sentence.

        Raises:
            ValueError: For more than one.
        """
        if rows != 1:
            raise ValueError(
                f"{rows} sentences at once cannot be recorded: decode with batch_tokens = 1"
            )
        self.scripts.append(Script())
        return RecordedSession(self._steps.session(prefix, rows), self)

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Those of the trained model."""
        result = self._steps.log_probs(hidden, choices)
        self.scripts[-1].answers.append(result.argmax(dim=1).tolist())
        return result


class RecordedSession(CountingSession):
    """A sentence that is recorded."""

    def __init__(self, session: Session, steps: Recording) -> None:
        super().__init__(session, steps.reading)
        self._script = steps.scripts[-1]

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read."""
        self._script.first = self._script.first or tuple(chunks[0])
        return super().extend(chunks)

    def expect(self, words: Sequence[Sequence[int]]) -> list[NotedPlan]:
        """What the draft head expects."""
        return [NotedPlan(plan, self._script.expected) for plan in self.inner.expect(words)]


class Replaying(CountingSteps):
    """A model that reads all that it is given, and then decides as scripts say.

    Attributes:
        said: The answers to what will be asked about the pass that was read last.
    """

    def __init__(self, steps: Steps, scripts: Iterable[Script]) -> None:
        super().__init__(steps)
        self._scripts = {script.first: script for script in scripts}
        self.said: list[int] = []

    def session(self, prefix: Chunk, rows: int) -> ReplayedSession:
        """A fresh batch."""
        return ReplayedSession(self._steps.session(prefix, rows), self, [])

    def gather(self, rows: Sequence[tuple[ReplayedSession, int]]) -> ReplayedSession:
        """Rows of batches, with their scripts."""
        inner = self._steps.gather([(session.inner, row) for session, row in rows])
        return ReplayedSession(inner, self, [session.scripts[row] for session, row in rows])

    def script(self, first: Sequence[int]) -> Script:
        """That of the sentence with this first chunk.

        Raises:
            ValueError: If there is none.
        """
        try:
            return self._scripts[tuple(first)]
        except KeyError:
            raise ValueError(STALE) from None

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Certainty of what the scripts say.

        Raises:
            ValueError: If they were asked for other decisions.
        """
        result = torch.full_like(self._steps.log_probs(hidden, choices), float("-inf"))
        if len(self.said) != len(choices) or any(
            n >= len(ids) for n, ids in zip(self.said, choices, strict=True)
        ):
            raise ValueError(STALE)
        result[torch.arange(len(choices)), torch.tensor(self.said)] = 0.0
        return result


class ReplayedSession(CountingSession):
    """A batch with the scripts of its rows, and how many passes each has had."""

    def __init__(
        self, session: Session, steps: Replaying, scripts: list[tuple[Script, int]]
    ) -> None:
        super().__init__(session, steps.reading)
        self._steps, self.scripts = steps, scripts

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read, and know what is to be said."""
        hidden = super().extend(chunks)
        self.scripts = self.scripts or [(self._steps.script(chunk), 0) for chunk in chunks]
        answers = [
            answer
            for script, passes in self.scripts
            for answer in script.answers[passes : passes + 1]
        ]
        self._steps.said = [best for answer in answers for best in answer]
        self.scripts = [(script, passes + 1) for script, passes in self.scripts]
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[RepeatedPlan]:
        """What the recorded draft head expected, after the work of the model's own: nothing if it
        has none."""
        plans = zip(self.inner.expect(words), self.scripts, strict=False)
        return [RepeatedPlan(plan, script.expected) for plan, (script, _) in plans]
