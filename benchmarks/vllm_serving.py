"""A vLLM server that a benchmark starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

BLOCK_SIZE = 32
"""Token ids in a block of the cache: whole ones are shared. vLLM's default on a CPU is 128."""


class Server:
    """A vLLM server in a group of processes, which can be killed and started again.

    Args:
        python: A Python with vLLM.
        model: The folder of the model.

    Attributes:
        url: Its address.
        away: For how many seconds it was away, each time that it was killed.
    """

    def __init__(self, python: Path, model: Path, dtype: str) -> None:
        number = _port()
        self.url = f"http://127.0.0.1:{number}"
        self.away: list[float] = []
        options = ["--dtype", dtype, "--block-size", str(BLOCK_SIZE)]
        options += ["--enforce-eager", "--disable-log-stats"]
        address = ["--host", "127.0.0.1", "--port", str(number)]
        module = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
        self._command = [str(python), *module, *address, *options]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, start_new_session=True)
        _await_answer(f"{self.url}/health", self._process)

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return self._process.pid

    def kill(self) -> None:
        """Kill all its processes, without a warning."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Kill it and start it again."""
        start = time.monotonic()
        self.kill()
        self._start()
        self.away.append(time.monotonic() - start)


def _await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers.

    Raises:
        RuntimeError: If it has ended instead.
    """
    while process.poll() is None:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(1)
    raise RuntimeError(f"the server has ended with status {process.returncode}")


def _port() -> int:
    """Return a port that is free."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
