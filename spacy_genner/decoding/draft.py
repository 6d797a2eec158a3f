"""Drafts: guesses of a whole answer, which the model then verifies.

A draft policy says which child to expect at each branching node: initially the first one, which
copies, or the one that the model's draft head proposes. The model is asked at every decision of the
draft in one pass. Everything before the first decision where it differs is accepted, and so is its
choice there. Its later choices were made after a wrong beginning, so they only update the policy.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from .interfaces import Job, Question, Reply
from .marks import Plan
from .moves import Decision, Walk

_FIRST = 64
"""The number of token ids after which the first difference is expected."""

_REACH = 2
"""How far a draft reaches, as a multiple of the average distance between differences so far."""


class Draft:
    """The accepted part of an answer, and a guess of the rest.

    Attributes:
        job: The job that is answered.
        walk: The walk through the accepted part and the guess.
        log_probs: The log-probabilities of the choices, for each accepted decision.
    """

    def __init__(self, job: Job) -> None:
        self.walk = Walk(job.grammar, job.encode, job.limit)
        self.log_probs: list[Sequence[float]] = []
        self.job = job
        self._differences = 0  # between the model's choices and the drafts so far
        self._policy: dict[Hashable, int] = {}  # the token id to expect, by the key of a decision
        self._plan: Plan | None = None
        self._keys: list[Hashable] = []  # the keys of all decisions of the walk
        self._guess()

    @property
    def open(self) -> list[Decision]:
        """The decisions of the guess. There are none if the answer is complete, or longer than the
        model can read."""
        return self.walk.decisions[len(self.log_probs) :]

    def question(self) -> Question:
        """Return the question about all open decisions."""
        return self._about(self.open)

    def first_question(self, copies_first: bool) -> Question:
        """Return the question that also asks what the draft head expects.

        Args:
            copies_first: Whether it is about all open decisions, instead of only the first one.
        """
        return replace(self._about(self.open if copies_first else self.open[:1]), propose=True)

    def verify(self, reply: Reply) -> None:
        """Compare the guess with the model's choices at the decisions that were asked about. Those
        before the first mismatch are accepted, and so is the model's choice there. All of them are
        learnt from, and the rest is guessed again."""
        choices: list[int] = reply.log_probs.argmax(axis=1).tolist()
        mismatch = _first_mismatch(self.open, choices)
        self._learn(choices, reply.plan)
        self._rewind(len(self.log_probs) + mismatch)
        if mismatch < len(choices):
            self._differences += 1
            self._choose(choices[mismatch])
        self.log_probs += list(reply.log_probs[: mismatch + 1])
        self._guess()

    def _about(self, decisions: Sequence[Decision]) -> Question:
        ids = self.job.body + self.walk.ids[: decisions[-1].position]
        places = [len(self.job.body) + decision.position for decision in decisions]
        return Question(ids, places, [decision.choices for decision in decisions])

    def _learn(self, choices: Sequence[int], plan: Plan | None) -> None:
        """Expect from now on what the model chose; or what its draft head plans, which is better
        than choices that were made after a draft without a plan."""
        if plan:
            self._plan = plan
            return
        keys = self._keys[len(self.log_probs) :]
        for key, decision, choice in zip(keys, self.open, choices, strict=False):
            self._policy[key] = decision.choices[choice]

    def _rewind(self, count: int) -> None:
        """Keep only the first decisions, this many of them."""
        if count < len(self.walk.decisions):
            self.walk.rewind(count)
            del self._keys[count:]

    def _guess(self) -> None:
        """Guess the rest of the answer, up to where a difference becomes likely."""
        settled = len(self.walk.ids)
        end = min(settled + _REACH * (settled + _FIRST) // (self._differences + 1), self.job.limit)
        while self.walk.choices and len(self.walk.ids) <= end:
            known = self._policy.get(self.walk.key)
            if known in self.walk.choices:
                self._choose(self.walk.choices.index(known))
            elif self._plan:
                self._choose(self.walk.expected(self._plan))
            else:
                self._choose(0)

    def _choose(self, index: int) -> None:
        self._keys.append(self.walk.key)
        self.walk.choose(index)


def _first_mismatch(decisions: Sequence[Decision], choices: Sequence[int]) -> int:
    """Return the index of the first choice that differs from the guess; their number if none
    does."""
    guessed = [decision.chosen for decision in decisions[: len(choices)]]
    return next((n for n, choice in enumerate(choices) if choice != guessed[n]), len(choices))
