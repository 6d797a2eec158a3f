"""Parts written by several processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import connection

import torch

from .crew import Crew, Load
from .part import PartWriter
from .worker import Worker


class Workers(Crew[Worker]):
    """Several processes that write parts. Use it in a `with` block.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts.
        devices: For each process, the GPU that it sees, as in `CUDA_VISIBLE_DEVICES`; None for all.
    """

    def __init__(self, load: Load, writer: PartWriter, devices: Sequence[str | None]) -> None:
        super().__init__(writer, len(devices))
        self._load = load
        self._devices = devices
        self._threads = max(torch.get_num_threads() // len(devices), 1)

    def _hire(self, index: int) -> Worker:
        return Worker(self._load, self._writer, self._devices[index], self._threads)

    def _ready(self, busy: dict[int, Worker]) -> list[int]:
        ready = connection.wait([worker.connection for worker in busy.values()])
        return [index for index, worker in busy.items() if worker.connection in ready]
