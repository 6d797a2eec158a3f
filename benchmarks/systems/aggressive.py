"""Aggressive decoding (arXiv 2106.04970), held to legal answers.

A copy of all that is left is verified in one pass. After a difference it goes on choice by choice, until it has copied
a token and can draft a copy again. What the model said behind the difference is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

from spacy_genner.decoding.model import Job
from spacy_genner.decoding.moves import Walk
from spacy_genner.decoding.speculative import by_length

from .base import CountingSteps, Output, Subject, Task


class Row:
    """An answer under way.

    chunk: The ids to be read next, up to the last drafted decision; empty when the answer is complete.
    """

    def __init__(self, job: Job) -> None:
        self.walk = Walk(job.grammar, job.encode)
        self._encode = job.encode
        self._settled = 0  # decisions
        self._draft()
        self.chunk = job.body + self._read_from(0)
        self._offset = len(job.body) - 1

    def asked(self) -> list[tuple[int, list[int]]]:
        """Where in the chunk the hidden states of the drafted decisions are, and their choices."""
        return [(d.position + self._offset, d.choices) for d in self.walk.decisions[self._settled :]]

    def settle(self, bests: Sequence[int]) -> int:
        """Accept the draft up to the first difference. Returns: how many ids of the chunk were read in vain."""
        drafted = self.walk.decisions[self._settled :]
        wrong = next((n for n, best in enumerate(bests) if best != drafted[n].chosen), None)
        read = drafted[-1].position
        if wrong is None:
            self._settled += len(drafted)
        else:
            read = drafted[wrong].position
            self._settled += wrong
            self.walk.rewind(self._settled)
            self.walk.choose(bests[wrong])
            self._settled += 1
        self._draft()
        self.chunk, self._offset = self._read_from(read), -read - 1
        return drafted[-1].position - read

    def _draft(self) -> None:
        moves = self.walk.moves
        between = len(self.walk.ids) == sum(len(self._encode(move.text)) for move in moves)
        copying = between and (not moves or moves[-1].kind == "copy")
        while self.walk.choices:
            self.walk.choose(0)
            if not copying:
                break

    def _read_from(self, position: int) -> list[int]:
        return self.walk.ids[position : self.walk.decisions[-1].position] if self.walk.decisions else []


class Aggressive:
    """Decodes a batch; rows with much and with little to read go into passes of their own, as in our decoder."""

    def __init__(self, subject: Subject) -> None:
        self._lm = subject.lm

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Decode a batch."""
        steps = CountingSteps(self._lm.steps)
        rows = [Row(task.job) for task in tasks]
        if active := [row for row in rows if row.asked()]:
            groups = [(steps.session(tasks[0].job.prefix, len(active)), active)]
        else:
            groups = []
        while groups:
            session, group = groups.pop()
            hidden = session.extend([row.chunk for row in group])
            asked = [(n, *question) for n, row in enumerate(group) for question in row.asked()]
            at, places, choices = zip(*asked, strict=True)
            answers = iter(steps.log_probs(hidden[at, places], choices).argmax(dim=1).tolist())
            session.drop([row.settle([next(answers) for _ in row.asked()]) for row in group])
            unfinished = [n for n, row in enumerate(group) if row.asked()]
            for part in by_length(unfinished, [len(row.chunk) for row in group]):
                groups.append((session.select(part), [group[n] for n in part]))
        moves = [row.walk.moves for row in rows]
        found = [[e for e, _ in task.job.grammar.entities(m)] for task, m in zip(tasks, moves, strict=True)]
        return Output(found, steps.reading)
