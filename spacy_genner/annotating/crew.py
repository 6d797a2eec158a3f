"""Several workers that write parts at the same time, wherever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from spacy.language import Language

from .annotate import Failure
from .part import Done, Part, PartWriter

ATTEMPTS = 3
"""How many workers may die while they write a part, before it is given up."""

Load = Callable[[], Language]
"""A function that loads the pipeline. It can be pickled."""


class WorkerError(RuntimeError):
    """Raised if workers die while they load the pipeline, or an unforeseen error ends one."""


class GivenUp(NamedTuple):
    """A part whose worker has died again and again.

    Attributes:
        number: The number of the part.
        inputs: How many inputs it has.
    """

    number: int
    inputs: int


class Member(ABC):
    """A worker, as the main process sees it.

    Attributes:
        part: The part that it is writing, or will write when the pipeline is loaded.
    """

    part: Part | None = None

    @abstractmethod
    def give(self, part: Part) -> None:
        """Give the worker a part to write."""

    @abstractmethod
    def receive(self) -> Done | None:
        """Return the part that the worker has written, or None if it has only come closer to that.

        Raises:
            EOFError: If it has died while it wrote a part.
            WorkerError: If it cannot load the pipeline, because it dies.
            Exception: Whatever else went wrong in it.
        """

    @abstractmethod
    def end(self) -> str:
        """End the worker, and return in what way it has ended."""


M = TypeVar("M", bound=Member)


class Crew(ABC, Generic[M]):
    """Several workers. Use it in a `with` block.

    Args:
        writer: What writes the parts.
        size: The number of workers.
    """

    def __init__(self, writer: PartWriter, size: int) -> None:
        self._writer = writer
        self._size = size
        self._workers: dict[int, M] = {}
        self._again = deque[Part]()
        self._deaths = Counter[int]()

    def __enter__(self) -> Crew[M]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.end()

    @abstractmethod
    def _hire(self, index: int) -> M:
        """Start the worker with this index."""

    @abstractmethod
    def _ready(self, busy: dict[int, M]) -> list[int]:
        """Wait for workers, and return the indices of some that have something to say."""

    def write(self, parts: Iterable[Part]) -> Iterator[Done | GivenUp]:
        """Write parts, and yield each as soon as it is done. One for each worker is in memory.

        If a worker dies, another one takes its place, and the part is written again. When
        `ATTEMPTS` workers have died at the same part, its inputs are reported as failed, and it has
        no file, so that the next run tries it again.

        Raises:
            WorkerError: If workers die while they load the pipeline.
            Exception: Whatever else goes wrong in a worker, apart from documents that fail.
        """
        waiting = iter(parts)
        while True:
            for index in range(self._size):
                self._employ(index, waiting)
            busy = {index: worker for index, worker in self._workers.items() if worker.part}
            if not busy:
                return
            for index in self._ready(busy):
                try:
                    if done := self._workers[index].receive():
                        yield done
                except EOFError:
                    if given_up := self._bury(index):
                        yield given_up

    def _employ(self, index: int, waiting: Iterator[Part]) -> None:
        """Give a worker that has no part the next one; start it if need be. If there is none, end
        it, and what it holds is free for a worker that waits for a place."""
        worker = self._workers.get(index)
        if worker and worker.part:
            return
        part = self._again.popleft() if self._again else next(waiting, None)
        if part:
            if not worker:
                worker = self._workers[index] = self._hire(index)
            worker.give(part)
        elif worker:
            self._workers.pop(index).end()

    def _bury(self, index: int) -> GivenUp | None:
        """Put the part of a dead worker back, or return that it is given up."""
        worker = self._workers.pop(index)
        how, part = worker.end(), worker.part
        assert part  # `receive` says EOFError only then
        self._deaths[part.number] += 1
        if self._deaths[part.number] < ATTEMPTS:
            self._again.append(part)
            return None
        reason = f"{ATTEMPTS} workers died while they annotated its part ({how})"
        self._writer.write_failures(part.number, [Failure(one, reason) for one in part.inputs])
        return GivenUp(part.number, len(part.inputs))
