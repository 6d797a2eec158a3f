"""Wall clock and waiting of a device that works on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

RUNS, SECONDS = 3, 3.0
"""Runs that are timed, at most, and after how many seconds no further one begins."""

Call = Callable[[], object]


def clock(device: torch.device) -> float:
    """The time at which a device has done all that it was given, in seconds."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def seconds_of(call: Call, device: torch.device) -> float:
    """What a call takes: the median of a few runs. It should have been warmed up."""
    times = [clock(device)]
    while len(times) <= RUNS and times[-1] - times[0] < SECONDS:
        call()
        times.append(clock(device))
    return median(end - start for start, end in pairwise(times))


def waiting(call: Call, device: torch.device) -> float | None:
    """The share of a call's time in which no kernel runs on the GPU; None on a CPU. The time is
    measured without the profiler, which costs some itself."""
    if device.type != "cuda":
        return None
    start = clock(device)
    call()
    seconds = clock(device) - start
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        call()
        torch.cuda.synchronize(device)
    kernels = [event for event in profiler.events() if event.device_type == DeviceType.CUDA]
    busy = sum(event.time_range.elapsed_us() for event in kernels if not event.is_user_annotation)
    return 1 - busy / (seconds * 1e6)
