"""What a trained model decides, recorded, and decided again by a model of another size with random weights, which does
all of its own work: the same drafts, passes and answers at another cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from spacy_genner.decoding.marks import Plan
from spacy_genner.decoding.model import Session, StepModel

from .base import CountingSession, CountingSteps

Chunk = tuple[int, ...]


@dataclass
class Script:
    """How a trained model decodes one sentence.

    plan: What its draft head expected, if it has one.
    answers: The indices of the chosen ids, pass by pass.
    """

    plan: list[Plan] = field(default_factory=list)
    answers: list[list[int]] = field(default_factory=list)


class Recording(CountingSteps):
    """A trained model that decodes sentences alone, one after another.

    scripts: Of each sentence, by the first chunk that is read of it.
    """

    def __init__(self, steps: StepModel) -> None:
        super().__init__(steps)
        self.scripts: dict[Chunk, Script] = {}
        self.script = Script()

    def session(self, prefix: Chunk, rows: int) -> RecordedSession:
        """A sentence. Raises: ValueError for more than one."""
        if rows != 1:
            raise ValueError(f"{rows} sentences at once cannot be recorded: decode with batch_tokens = 1")
        self.script = Script()
        return RecordedSession(self._steps.session(prefix, rows), self)

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Those of the trained model."""
        result = self._steps.log_probs(hidden, choices)
        self.script.answers.append(result.argmax(dim=1).tolist())
        return result


class RecordedSession(CountingSession):
    """A sentence that is recorded under its first chunk."""

    def __init__(self, session: Session, steps: Recording) -> None:
        super().__init__(session, steps.reading)
        self._steps = steps

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read."""
        if not self._steps.script.answers:
            self._steps.scripts[tuple(chunks[0])] = self._steps.script
        return super().extend(chunks)

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects."""
        self._steps.script.plan = self.inner.expect(words)
        return self._steps.script.plan


class Replaying(CountingSteps):
    """A model that reads all that it is given, and then decides as the script says.

    copies_first: As in the model that was recorded.
    """

    def __init__(self, steps: StepModel, scripts: dict[Chunk, Script], copies_first: bool) -> None:
        super().__init__(steps)
        self.scripts, self.copies_first = scripts, copies_first
        self.said: list[int] = []  # in the pass that was read last

    def session(self, prefix: Chunk, rows: int) -> ReplayedSession:
        """A fresh batch."""
        return ReplayedSession(self._steps.session(prefix, rows), self, [])

    def gather(self, rows: Sequence[tuple[ReplayedSession, int]]) -> ReplayedSession:
        """Rows of batches, with their scripts."""
        inner = self._steps.gather([(session.inner, row) for session, row in rows])
        return ReplayedSession(inner, self, [session.scripts[row] for session, row in rows])

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Certainty of what the script says. Raises: ValueError if it was asked for other decisions."""
        result = torch.full_like(self._steps.log_probs(hidden, choices), float("-inf"))
        result[torch.arange(len(choices)), torch.tensor(self.said)] = 0.0
        return result


class ReplayedSession(CountingSession):
    """A batch with the scripts of its rows, and how many passes each has had."""

    def __init__(self, session: Session, steps: Replaying, scripts: list[tuple[Script, int]]) -> None:
        super().__init__(session, steps.reading)
        self._steps, self.scripts = steps, scripts

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read, and know what is to be said."""
        hidden = super().extend(chunks)
        self.scripts = self.scripts or [(self._steps.scripts[tuple(chunk)], 0) for chunk in chunks]
        self._steps.said = [best for script, passes in self.scripts for best in script.answers[passes]]
        self.scripts = [(script, passes + 1) for script, passes in self.scripts]
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the recorded draft head expected."""
        return [plan for script, _ in self.scripts for plan in script.plan]
