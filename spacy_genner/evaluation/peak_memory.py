"""The peak memory of this process."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def peak_memory() -> float | None:
    """Return the most main memory that this process has held since it started, in MiB.

    Memory of a GPU and of other processes does not count. None where the system does not tell, as
    on Windows.
    """
    if sys.platform == "darwin":
        import resource  # does not exist on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # Not ru_maxrss: on Linux it begins with the memory of the process that started this one.
    status = Path("/proc/self/status")
    line = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(line[1]) / 1024 if line else None
