"""A process that loads the pipeline once, and writes parts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

from .crew import Load, Member, WorkerError
from .part import Done, Part, PartWriter

T = TypeVar("T")


class Worker(Member):
    """A process, as the main process sees it.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts.
        device: The GPU that the process sees, as in `CUDA_VISIBLE_DEVICES`; None for all.
        threads: The number of threads that torch may use in it.

    Attributes:
        connection: Where its messages arrive.
    """

    def __init__(self, load: Load, writer: PartWriter, device: str | None, threads: int) -> None:
        context = get_context("spawn")  # a fork survives neither the threads of torch nor a GPU
        self.connection, theirs = context.Pipe()
        arguments = (theirs, load, writer, threads)
        self._process = context.Process(target=serve, args=arguments, daemon=True)
        with seeing(device):
            self._process.start()
        theirs.close()  # so that the connection ends when the process dies
        self._ready = False

    def give(self, part: Part) -> None:
        """Give the process a part to write."""
        self.part = part
        if self._ready:
            self._send(part)

    def receive(self) -> Done | None:
        """Return the part that the process has written, or None if it has loaded the pipeline."""
        try:
            message: Done | Exception | None = self.connection.recv()
        except (EOFError, OSError) as error:
            if self._ready:
                raise EOFError from error
            raise WorkerError(
                f"a worker died while it loaded the pipeline ({self.end()}): if there is "
                "too little memory, use fewer workers"
            ) from error
        if isinstance(message, Exception):
            raise message
        if message is None:
            self._ready = True
            if self.part:
                self._send(self.part)
        else:
            self.part = None
        return message

    def end(self) -> str:
        """End the process, and return its exit code in words."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        return f"exit code {self._process.exitcode}"

    def _send(self, part: Part) -> None:
        with suppress(OSError):  # it has just died; `receive` says so
            self.connection.send(part)


@contextmanager
def seeing(device: str | None) -> Iterator[None]:
    """Let a process that is started in a block see one GPU only. It must not choose the GPU itself:
    the packages that it imports before may already look at all of them.

    Args:
        device: The GPU, as in `CUDA_VISIBLE_DEVICES`; None for those that this process sees.
    """
    name = "CUDA_VISIBLE_DEVICES"
    before = os.environ.get(name)
    if device is not None:
        os.environ[name] = device
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def serve(connection: Connection, load: Load, writer: PartWriter, threads: int) -> None:
    """Write parts until the main process ends: what the process of a `Worker` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    torch.set_num_threads(threads)
    nlp = attempt(load)
    with suppress(EOFError, BrokenPipeError):  # the main process has ended
        connection.send(nlp if isinstance(nlp, Exception) else None)
        while True:
            connection.send(attempt(writer.write, nlp, connection.recv()))


def attempt(function: Callable[..., T], *arguments: Any) -> T | Exception:
    """Return what a function returns, or the exception that it raises, as one that can be pickled:
    of a kind that the user can fix, or else a `WorkerError`."""
    try:
        return function(*arguments)
    except OSError as error:
        return OSError(str(error))
    except ImportError as error:
        return ImportError(str(error))
    except ValueError as error:
        return ValueError(str(error))
    except Exception as error:
        return WorkerError(f"{type(error).__name__}: {error}")
