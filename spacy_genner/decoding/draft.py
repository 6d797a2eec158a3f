"""What is expected of an answer before it is known.

A draft policy says for each branching node which child to expect: at first the first one, a copy,
or what the model's draft head proposes. Everything before the first difference to what the model
says is accepted, and the model's choice there; later choices were made behind a wrong prefix and
only teach the policy.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from .interfaces import Job
from .marks import Plan
from .moves import Walk

Choice: TypeAlias = tuple[Sequence[float], int]
"""What the model says at a decision: the log-probabilities of the choices, and the index of the
best one."""

_FIRST = 64
"""After how many ids a difference is expected before any is known."""

_REACH = 2
"""How far a draft reaches, in distances between differences."""


class Draft:
    """What is accepted of an answer, and what is expected of the rest.

    Attributes:
        walk: Both.
        log_probs: Those of the choices at each accepted decision.
        chunk: The ids to be read next.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.walk = Walk(job.grammar, job.encode, job.limit)
        self.log_probs: list[Sequence[float]] = []
        self.chunk: list[int] = []
        self._offset = self._end = (
            0  # what to add to a position to find its place in the chunk; where the chunk ends
        )
        self._differences = 0  # so far
        self._policy: dict[Hashable, int] = {}
        self._plan: Plan | None = None
        self._keys: list[Hashable] = []  # of the decisions
        self._roll_out()
        self.restart()

    @property
    def finished(self) -> bool:
        """Whether all decisions are accepted, and no more can be asked for."""
        accepted = len(self.log_probs) == len(self.walk.decisions)
        return accepted and (not self.walk.choices or self.walk.outgrown)

    def restart(self, with_draft: bool = True) -> None:
        """Begin a new session: read the prompt, and the answer so far, with or without what is only
        expected."""
        accepted = self.walk.decisions[len(self.log_probs)].position if not self.finished else 0
        self._read(self.job.body, 0, self._last if with_draft else accepted)

    def asked(self) -> list[tuple[int, list[int]]]:
        """The open decisions that the chunk leads to: where in it their hidden states are, and
        their choices."""
        decisions = self.walk.decisions[len(self.log_probs) :]
        return [
            (d.position + self._offset, d.choices) for d in decisions if d.position <= self._end
        ]

    def settle(self, choices: Sequence[Choice], plan: Plan | None = None) -> int:
        """Compare the draft with the model's choices at the decisions that were asked. Up to the
        first difference they are accepted, and another draft begins behind them; all teach the
        policy.

        Args:
            plan: What to expect from now on. It knows better than choices behind a draft that was
                made without it.

        Returns:
            How many ids of the chunk were read in vain.
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
        vain = self._end - end
        self._read([], end, self._last)
        return vain

    @property
    def _last(self) -> int:
        """The number of ids before the last decision."""
        return self.walk.decisions[-1].position if self.walk.decisions else 0

    def _read(self, body: list[int], start: int, end: int) -> None:
        self.chunk = body + self.walk.ids[start:end]
        self._offset, self._end = len(body) - start - 1, end

    def _rewind(self, count: int) -> None:
        self.walk.rewind(count)
        del self._keys[count:]

    def _roll_out(self) -> None:
        """Draft the rest of the answer, as far as no difference is likely."""
        settled = len(self.walk.ids)
        end = min(settled + _REACH * (settled + _FIRST) // (self._differences + 1), self.job.limit)
        while (choices := self.walk.choices) and len(self.walk.ids) <= end:
            known = self._policy.get(self.walk.key)
            if known in choices:
                self._choose(choices.index(known))
            else:
                self._choose(self.walk.expected(self._plan) if self._plan else 0)

    def _choose(self, index: int) -> None:
        self._keys.append(self.walk.key)
        self.walk.choose(index)
