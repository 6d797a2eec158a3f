"""An engine without a language model and without memory: a rule says what it thinks of an id after
a history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spacy_genner.decoding.interfaces import Decoding, Job, Question, Reply
from spacy_genner.decoding.marks import Plan
from spacy_genner.types import Trace
from tests.decoding.scripted import Rule


class ScriptedEngine:
    """Answers one question after another, each from its ids alone.

    questions: What it was asked about each job.
    plan: What its draft head expects, if it has one.
    copies_first: Whether a plain copy is to be guessed in the first question.
    vocabulary: The ids that it may write.
    """

    vocabulary = range(128)

    def __init__(self, rule: Rule, plan: Plan | None = None, copies_first: bool = True) -> None:
        self.plan, self.copies_first = plan, copies_first
        self.questions: list[list[Question]] = []
        self._rule = rule

    def run(
        self, jobs: Sequence[Job], decodings: Sequence[Decoding], batch_tokens: int
    ) -> list[Trace | None]:
        return [self._run(*one) for one in zip(jobs, decodings, strict=True)]

    def _run(self, job: Job, decoding: Decoding) -> Trace | None:
        asked: list[Question] = []
        self.questions.append(asked)
        try:
            asked.append(next(decoding))
            while True:
                asked.append(decoding.send(self._reply(job, asked[-1])))
        except StopIteration as stop:
            trace: Trace | None = stop.value
            return trace

    def _reply(self, job: Job, question: Question) -> Reply:
        assert len(question.places) == len(question.choices) > 0
        assert question.places == sorted(set(question.places))
        assert question.places[0] > 0 and question.places[-1] <= len(question.ids)
        assert all(len(set(ids)) == len(ids) > 1 for ids in question.choices)
        width = max(map(len, question.choices)) + 1  # padded, and more than needed
        logits = np.full((len(question.places), width), -np.inf, dtype=np.float32)
        for row, place, ids in zip(logits, question.places, question.choices, strict=True):
            history = (*job.prefix, *question.ids[:place])
            row[: len(ids)] = [self._rule(history, id) for id in ids]
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return Reply(log_probs, self.plan if question.propose else None)

    @property
    def asked(self) -> list[int]:
        """How many questions it was asked about each job."""
        return list(map(len, self.questions))

    def write(self, jobs: Sequence[Job], most: Sequence[int], batch_tokens: int) -> list[list[int]]:
        return [self._write(*one) for one in zip(jobs, most, strict=True)]

    def _write(self, job: Job, most: int) -> list[int]:
        ids: list[int] = []
        while len(ids) < most:
            history = (*job.prefix, *job.body, *ids)
            best = max(self.vocabulary, key=lambda id: self._rule(history, id))
            if best == job.end:
                break
            ids.append(best)
        return ids
