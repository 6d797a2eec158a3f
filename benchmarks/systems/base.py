"""What a compared system is, what it works on, and how its work is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Protocol

import torch
from spacy.training import Example

from spacy_genner.answers import Repairs
from spacy_genner.decoding.interfaces import Job
from spacy_genner.formats.base import Format
from spacy_genner.labels.label_set import Labels
from spacy_genner.lm.steps import Session, Steps
from spacy_genner.pipeline.docs import DocSource
from spacy_genner.types import Entity


@dataclass(frozen=True)
class Subject:
    """The trained model that all systems run, with the same merged weights.

    Attributes:
        lm: A CausalLM, or what stands in its place.
    """

    lm: Any
    format: Format
    labels: Labels


@dataclass(frozen=True)
class Task:
    """A sentence as a language model sees it.

    Attributes:
        answer: The ids of our own answer: what the floor reads, and about how much free generation
            is allowed to write.
    """

    job: Job
    answer: list[int]


@dataclass(frozen=True)
class Sentence(Task):
    """A sentence of a corpus.

    Attributes:
        number: Its place there, from 0.
        example: Its `predicted` has no entities, or those of another system.
    """

    number: int
    example: Example
    read: DocSource


@dataclass
class Reading:
    """Work of a language model.

    Attributes:
        passes: Forward passes, each over the rows of a batch.
        rows: Rows of all passes.
        ids, padded: Ids read, without and with padding; those of the shared prefix, read once, are
            left out.
    """

    passes: int = 0
    rows: int = 0
    ids: int = 0
    padded: int = 0

    def add(self, lengths: Sequence[int]) -> None:
        """Count a pass over rows of these lengths."""
        self.passes += 1
        self.rows += len(lengths)
        self.ids += sum(lengths)
        self.padded += len(lengths) * max(lengths)


@dataclass
class Output:
    """What a system makes of sentences.

    Attributes:
        entities: Those of each sentence; None for a system that looks for none.
        repairs: What was wrong with the answer to each, if it was written freely.
    """

    entities: list[list[Entity]] | None
    reading: Reading = field(default_factory=Reading)
    repairs: list[Repairs] = field(default_factory=list)

    @classmethod
    def written(
        cls, tasks: Sequence[Task], answers: Sequence[Sequence[int]], reading: Reading
    ) -> Output:
        """What answers say."""
        read = [task.job.read(answer) for task, answer in zip(tasks, answers, strict=True)]
        return cls([entities for entities, _ in read], reading, [repairs for _, repairs in read])


class System(Protocol):
    """A way to find the entities of sentences."""

    def __call__(self, tasks: Sequence[Task], batch: int) -> Output:
        """Work on sentences that share a prefix, about so many at once, the shortest first."""


class InBatches:
    """A system that works on what it is given at once, given one batch after another."""

    def __init__(self, system: Callable[[Sequence[Task]], Output]) -> None:
        self._system = system

    def __call__(self, tasks: Sequence[Task], batch: int) -> Output:
        """Work on all batches."""
        outputs = [
            self._system(tasks[start : start + batch]) for start in range(0, len(tasks), batch)
        ]
        return Output(
            [entities for output in outputs for entities in output.entities or ()] or None,
            Reading(
                *(
                    sum(counts)
                    for counts in zip(*(astuple(output.reading) for output in outputs), strict=True)
                )
            ),
            [repairs for output in outputs for repairs in output.repairs],
        )


class CountingSteps:
    """A step model that counts what it reads."""

    def __init__(self, steps: Steps) -> None:
        self.reading = Reading()
        self._steps = steps

    def session(self, prefix: tuple[int, ...], rows: int) -> CountingSession:
        """A fresh batch that is counted."""
        return CountingSession(self._steps.session(prefix, rows), self.reading)

    def gather(self, rows: Sequence[tuple[CountingSession, int]]) -> CountingSession:
        """Rows of counted batches, counted on."""
        return CountingSession(
            self._steps.gather([(session.inner, row) for session, row in rows]), self.reading
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._steps, name)


class CountingSession:
    """A session that counts what it reads."""

    def __init__(self, session: Session, reading: Reading) -> None:
        self.inner, self._reading = session, reading

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.inner.rows

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read, and count."""
        self._reading.add([len(chunk) for chunk in chunks])
        return self.inner.extend(chunks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
