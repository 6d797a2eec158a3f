"""When to try a request again, and when to give it up."""

from __future__ import annotations

import math
import random
import time

from ..locks import Lock

_TRIES = 3
"""How often a request is tried that fails though the server is there."""

_FIRST = 0.25
_LONGEST = 5.0
"""The first and the longest pause between two tries, in seconds."""


class Patience:
    """What the requests to a server, in several threads, know in common of how it answers.

    A request that fails is tried again after longer and longer pauses: a few times if the server is
    there, as the fault may be the request's, and else until the patience is used up. From then on,
    each request is tried once, until the server answers. So that time-outs do not add up if the
    server hangs, none is tried for a while after two in a row were given up because of them.

    Args:
        seconds: How long to wait for a server that is away.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._away: float | None = None  # since when the server has been away
        self._timed_out = 0  # how many requests were given up in a row because of a time-out
        self._blocked = 0.0  # until when no request is tried
        self._lock = Lock()

    def allows(self) -> bool:
        """Return whether a request may be tried."""
        return time.monotonic() >= self._blocked

    def answered(self) -> None:
        """Note that the server has answered."""
        with self._lock:
            self._away, self._timed_out = None, 0

    def failed(
        self, tries: int, began: float, *, there: bool, timed_out: bool = False
    ) -> float | None:
        """Note that a request has failed.

        Args:
            tries: How often it has been tried.
            began: When the last try began, by the monotonic clock.
            there: Whether the server is there.
            timed_out: Whether it took too long to answer.

        Returns:
            How many seconds to wait before the next try; None to give the request up.
        """
        with self._lock:
            now = time.monotonic()
            pause = min(_FIRST * 2.0 ** (tries - 1), _LONGEST) * random.uniform(0.5, 1.0)
            if there:
                self._away = None
                going_on = tries < _TRIES
            else:
                self._away = began if self._away is None else self._away
                going_on = now + pause - self._away < self._seconds
            if going_on:
                return pause
            if not there:
                self._away = -math.inf
            self._timed_out = self._timed_out + 1 if timed_out else 0
            if self._timed_out > 1:
                self._blocked = now + (now - began)
            return None
