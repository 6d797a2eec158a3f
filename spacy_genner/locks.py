"""Locks and lazily made values, for objects that threads share and that may exist when a process
forks."""

from __future__ import annotations

import os
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class Lock:
    """A reentrant lock that survives forks and can be copied.

    In a forked process it is free, whatever the threads of the parent were doing. A copy, pickled
    or not, is a new lock.

    Attributes:
        interrupted: Whether another thread held the lock when the process was forked, so that what
            it protects may be half done.
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
        """Free the lock in a forked process. Python calls this for every lock after each fork."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            # The thread that held it does not exist in this process and will never release it.
            self._lock = RLock()
            self.interrupted = True


_locks: WeakSet[Lock] = WeakSet()


def _free_all() -> None:
    for lock in list(_locks):
        lock.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_free_all)


class shared_property(cached_property[T]):
    """A cached property of an object that has a `lock`. When several threads ask for the value at
    the same time, one of them makes it, and the others wait for it."""

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with instance.lock:
            return super().__get__(instance, owner)
