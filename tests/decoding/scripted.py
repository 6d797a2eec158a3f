"""A step model without a network: a rule says what it thinks of an id after a history. In the
manner of Lightning-AI/litgpt's tests of speculative decoding."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
import torch

from spacy_genner.decoding.marks import Pattern, Plan

Rule = Callable[[tuple[int, ...], int], float]
"""All ids read so far, and a next one → its logit."""


def encode(text: str) -> list[int]:
    """A token for each character, so that moves share beginnings."""
    return [ord(char) for char in text]


def unread(ids: Sequence[int]) -> NoReturn:
    """For jobs whose answers are not written freely."""
    raise AssertionError(f"{ids} are not to be read")


def noise(history: tuple[int, ...], id: int) -> float:
    """A logit that depends on everything before it."""
    return random.Random(hash((*history, id))).gauss(0.0, 2.0)


def wanting(*answers: Sequence[int], logit: float = 20.0) -> Rule:
    """A rule that wants these sequences, prompts included, and is indifferent elsewhere."""
    wanted = {tuple(ids[:end]) for ids in answers for end in range(len(ids) + 1)}
    return lambda history, id: logit if (*history, id) in wanted else 0.0


def plan_of(marks: Sequence[Pattern]) -> Plan:
    """A plan that is sure of these marks."""
    patterns = list(dict.fromkeys([(), *marks]))
    return Plan(
        patterns,
        np.array([[0.0 if pattern == gap else -20.0 for pattern in patterns] for gap in marks]),
    )


class ScriptedModel:
    """Counts what it is asked for.

    sessions: The prefix and the number of rows of each.
    gathered: The number of rows of batches that were made of others.
    passes, read: How often ids were read, and how many.
    asked: The number of choices between ids.
    plan: What its draft head expects of every row, if it has one.
    copies_first: Whether a plain copy is to be tried along with the prompt.
    rereads: Whether each row reads the prefix for itself.
    """

    rereads = False

    def __init__(self, rule: Rule, plan: Plan | None = None, copies_first: bool = True) -> None:
        self.plan, self.copies_first = plan, copies_first
        self.sessions: list[tuple[tuple[int, ...], int]] = []
        self.gathered: list[int] = []
        self.passes = self.read = 0
        self.asked = 0
        self._rule = rule
        self._histories: list[tuple[int, ...]] = []

    def unshared(self, prefix: tuple[int, ...]) -> int:
        return len(prefix) * self.rereads

    def session(self, prefix: tuple[int, ...], rows: int) -> ScriptedSession:
        self.sessions.append((prefix, rows))
        return ScriptedSession(self, [prefix] * rows)

    def gather(self, rows: Sequence[tuple[ScriptedSession, int]]) -> ScriptedSession:
        self.gathered.append(len(rows))
        return type(rows[0][0])(self, [session.histories[row] for session, row in rows])

    def remember(self, history: tuple[int, ...]) -> float:
        """A hidden state: the place of the history."""
        self._histories.append(history)
        return float(len(self._histories) - 1)

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        assert hidden.shape == (len(choices), 1) and all(
            len(set(row)) == len(row) > 1 for row in choices
        )
        self.asked += len(choices)
        histories = [self._histories[int(row)] for row in hidden[:, 0]]
        logits = torch.full((len(choices), max(map(len, choices))), float("-inf"))
        for row, (history, ids) in enumerate(zip(histories, choices, strict=True)):
            logits[row, : len(ids)] = torch.tensor([self._rule(history, id) for id in ids])
        return logits.log_softmax(dim=1)


class ScriptedSession:
    def __init__(self, model: ScriptedModel, histories: list[tuple[int, ...]]) -> None:
        self._model, self.histories = model, histories

    @property
    def rows(self) -> int:
        return len(self.histories)

    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        assert len(chunks) == len(self.histories) and all(chunks)
        self._model.passes += 1
        self._model.read += sum(map(len, chunks))
        hidden = torch.full((len(chunks), max(map(len, chunks)), 1), float("nan"))
        for row, chunk in enumerate(chunks):
            for at, id in enumerate(chunk):
                self.histories[row] = (*self.histories[row], id)
                hidden[row, at, 0] = self._model.remember(self.histories[row])
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        return [self._model.plan] * len(words) if self._model.plan else []

    def drop(self, counts: Sequence[int]) -> None:
        self.histories = [
            ids[: len(ids) - count] for ids, count in zip(self.histories, counts, strict=True)
        ]
