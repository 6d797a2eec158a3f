"""Drafts: guesses of a whole answer, which the model then verifies.

A draft policy says which child to expect at each branching node: initially the first one, which
copies, or the one that the model's draft head proposes. The model is asked at every decision of the
draft in one pass. Everything before the first decision where it differs is accepted, and so is its
choice there. Its later choices were made after a wrong beginning, so they only update the policy.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from .interfaces import Job
from .marks import Plan
from .moves import Walk

Choice: TypeAlias = tuple[Sequence[float], int]
"""The model's answer at a decision: the log-probabilities of the choices, and the index of the best
one."""

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
        chunk: The token ids that the model reads next.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.walk = Walk(job.grammar, job.encode, job.limit)
        self.log_probs: list[Sequence[float]] = []
        self.chunk: list[int] = []
        self._offset = 0  # a position in the answer + this = its index in the chunk
        self._end = 0  # the position in the answer where the chunk ends
        self._differences = 0  # between the model's choices and the drafts so far
        self._policy: dict[Hashable, int] = {}  # the token id to expect, by the key of a decision
        self._plan: Plan | None = None
        self._keys: list[Hashable] = []  # the keys of all decisions of the walk
        self._roll_out()
        self.restart()

    @property
    def finished(self) -> bool:
        """Whether all decisions are accepted and no further one can be asked for."""
        accepted = len(self.log_probs) == len(self.walk.decisions)
        return accepted and (not self.walk.choices or self.walk.outgrown)

    def restart(self, with_draft: bool = True) -> None:
        """Prepare the chunk for a new session: the prompt and the accepted part of the answer, with
        or without the guess of the rest."""
        accepted = self.walk.decisions[len(self.log_probs)].position if not self.finished else 0
        self._read(self.job.body, 0, self._last if with_draft else accepted)

    def asked(self) -> list[tuple[int, list[int]]]:
        """Return the open decisions that the chunk leads to: the index of each one's hidden state
        in the chunk, and its choices."""
        decisions = self.walk.decisions[len(self.log_probs) :]
        return [
            (d.position + self._offset, d.choices) for d in decisions if d.position <= self._end
        ]

    def settle(self, choices: Sequence[Choice], plan: Plan | None = None) -> int:
        """Compare the draft with the model's choices at the decisions that were asked.

        The choices up to and including the first one that differs are accepted, and a new draft
        begins after them. All choices update the policy.

        Args:
            choices: The model's choices, one for each decision that `asked` returned.
            plan: The marks to expect from now on. They replace the update of the policy, because
                they are better than choices made after a draft without a plan.

        Returns:
            The number of token ids at the end of the chunk that were read but are not part of the
            answer.
        """
        first, end = len(self.log_probs), self._end
        asked = self.walk.decisions[first : first + len(choices)]
        if plan:
            self._plan = plan
        else:
            for key, decision, (_, best) in zip(self._keys[first:], asked, choices, strict=False):
                self._policy[key] = decision.choices[best]
        wrong = next((n for n, (_, best) in enumerate(choices) if best != asked[n].chosen), None)
        self.log_probs += [
            log_probs for log_probs, _ in choices[: None if wrong is None else wrong + 1]
        ]
        if wrong is None and self.finished:
            return 0
        accepted = len(self.log_probs) if wrong is None else first + wrong
        if accepted < len(self.walk.decisions):
            self._rewind(accepted)
        if wrong is not None:
            self._differences += 1
            end = asked[wrong].position
            self._choose(choices[wrong][1])
        self._roll_out()
        unused = self._end - end
        self._read([], end, self._last)
        return unused

    @property
    def _last(self) -> int:
        """The number of token ids before the last decision."""
        return self.walk.decisions[-1].position if self.walk.decisions else 0

    def _read(self, body: list[int], start: int, end: int) -> None:
        """Make a chunk of a prompt's body and the token ids of the answer from start to end."""
        self.chunk = body + self.walk.ids[start:end]
        self._offset, self._end = len(body) - start - 1, end

    def _rewind(self, count: int) -> None:
        """Keep only the first decisions, this many of them."""
        self.walk.rewind(count)
        del self._keys[count:]

    def _roll_out(self) -> None:
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
