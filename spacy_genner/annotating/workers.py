"""Parts written by several processes at the same time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection
from typing import NamedTuple

import torch

from .annotate import Failure
from .part import Done, Part, PartWriter
from .worker import Load, Worker

ATTEMPTS = 3
"""How many workers may die while they write a part, before it is given up."""


class GivenUp(NamedTuple):
    """A part whose worker has died again and again.

    Attributes:
        number: The number of the part.
        inputs: How many inputs it has.
    """

    number: int
    inputs: int


class Workers:
    """Several processes that write parts. Use it in a `with` block.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts.
        devices: For each process, the GPU that it sees, as in `CUDA_VISIBLE_DEVICES`; None for all.
    """

    def __init__(self, load: Load, writer: PartWriter, devices: Sequence[str | None]) -> None:
        self._load = load
        self._writer = writer
        self._devices = devices
        self._threads = max(torch.get_num_threads() // len(devices), 1)
        self._workers: dict[int, Worker] = {}  # by the index of the device
        self._again = deque[Part]()
        self._deaths = Counter[int]()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.end()

    def write(self, parts: Iterable[Part]) -> Iterator[Done | GivenUp]:
        """Write parts, and yield each as soon as it is done. One for each worker is in memory.

        If a worker dies, another one takes its place, and the part is written again. When
        `ATTEMPTS` workers have died at the same part, its inputs are reported as failed, and it has
        no file, so that the next run tries it again.

        Raises:
            WorkerError: If a worker dies while it loads the pipeline.
            Exception: Whatever else goes wrong in a worker, apart from documents that fail.
        """
        waiting = iter(parts)
        while True:
            for index in range(len(self._devices)):
                self._employ(index, waiting)
            busy = {each.connection: i for i, each in self._workers.items() if each.part}
            if not busy:
                return
            for ready in connection.wait(list(busy)):
                index = busy[ready]  # type: ignore[index]  # it is one of the keys
                try:
                    if done := self._workers[index].receive():
                        yield done
                except EOFError:
                    if given_up := self._bury(index):
                        yield given_up

    def _employ(self, index: int, waiting: Iterator[Part]) -> None:
        """Give a worker that has no part the next one, if there is one; start it if need be."""
        worker = self._workers.get(index)
        if worker and worker.part:
            return
        part = self._again.popleft() if self._again else next(waiting, None)
        if part:
            if not worker:
                device = self._devices[index]
                worker = Worker(self._load, self._writer, device, self._threads)
                self._workers[index] = worker
            worker.give(part)

    def _bury(self, index: int) -> GivenUp | None:
        """Put the part of a dead worker back, or return that it is given up."""
        worker = self._workers.pop(index)
        code, part = worker.end(), worker.part
        assert part  # `receive` says EOFError only then
        self._deaths[part.number] += 1
        if self._deaths[part.number] < ATTEMPTS:
            self._again.append(part)
            return None
        reason = f"{ATTEMPTS} workers died while they annotated its part (exit code {code})"
        self._writer.write_failures(part.number, [Failure(one, reason) for one in part.inputs])
        return GivenUp(part.number, len(part.inputs))
