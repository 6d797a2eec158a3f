"""What objects need that threads share, and that processes are forked with: locks, and values that
are made once."""

from __future__ import annotations

import os
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class Lock:
    """A lock that the thread that holds it may take again. After a fork it is free, whatever the
    threads of the parent were doing, and every copy has one of its own.

    Attributes:
        interrupted: Whether another thread held it at the fork, so that what it protects may be
            half done.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._lock = RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: Any) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()

    def after_fork(self) -> None:
        """To be called in a forked process."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock, self.interrupted = RLock(), True


_locks: WeakSet[Lock] = WeakSet()


def _free_all() -> None:
    for lock in list(_locks):
        lock.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_all)


class shared_property(cached_property[T]):
    """A cached property of an object with a `lock`: of several threads that ask at once, one makes
    the value, and the others wait for it."""

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with instance.lock:
            return super().__get__(instance, owner)
