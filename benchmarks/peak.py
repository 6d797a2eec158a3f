"""Peak memory of a piece of work."""

from __future__ import annotations

import gc
import threading
from typing import Any

import psutil
import torch

_MIB = 2**20


class Peak:
    """As a context: the most memory held at any time meanwhile, in MiB; on a GPU that of its
    tensors, else that of the process, looked at each millisecond.

    Attributes:
        before: What was held at the start.
    """

    def __init__(self, device: torch.device) -> None:
        self._gpu = device.type == "cuda"
        self._process, self._done = psutil.Process(), threading.Event()

    def __enter__(self) -> Peak:
        gc.collect()
        if self._gpu:
            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated() / _MIB
        else:
            self.before = self.mib = self._process.memory_info().rss / _MIB
            self._watch = threading.Thread(target=self._look)
            self._watch.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._gpu:
            self.mib = torch.cuda.max_memory_allocated() / _MIB
        else:
            self._done.set()
            self._watch.join()

    def _look(self) -> None:
        while not self._done.wait(0.001):
            self.mib = max(self.mib, self._process.memory_info().rss / _MIB)
