"""Values that are made when they are first asked for, by whichever thread."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")


class shared_property(cached_property[T]):
    """A cached property of an object with a `lock`: of several threads that ask at once, one makes the value, and the
    others wait for it."""

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with instance.lock:
            return super().__get__(instance, owner)
