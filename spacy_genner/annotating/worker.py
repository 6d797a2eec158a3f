"""A process that loads the pipeline once, and writes parts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
from spacy.language import Language

from .part import Done, Part, PartWriter

Load = Callable[[], Language]
"""A function that loads the pipeline. It can be pickled."""


class WorkerError(RuntimeError):
    """Raised if a worker dies while it loads the pipeline, or an unforeseen error ends it."""


class Worker:
    """A process, as the main process sees it.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts.
        device: The GPU that the process sees, as in `CUDA_VISIBLE_DEVICES`; None for all.
        threads: The number of threads that torch may use in it.

    Attributes:
        connection: Where its messages arrive.
        part: The part that it is writing, or will write when the pipeline is loaded.
    """

    def __init__(self, load: Load, writer: PartWriter, device: str | None, threads: int) -> None:
        context = get_context("spawn")  # a fork survives neither the threads of torch nor a GPU
        self.connection, theirs = context.Pipe()
        arguments = (theirs, load, writer, device, threads)
        self._process = context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # so that the connection ends when the process dies
        self._ready = False
        self.part: Part | None = None

    def give(self, part: Part) -> None:
        """Give the worker a part to write."""
        self.part = part
        if self._ready:
            self._send(part)

    def receive(self) -> Done | None:
        """Return the part that the worker has written, or None if it has just loaded the pipeline.

        Raises:
            EOFError: If it has died while it wrote a part.
            WorkerError: If it has died while it loaded the pipeline.
            Exception: Whatever else went wrong in it.
        """
        try:
            message: Done | Exception | None = self.connection.recv()
        except (EOFError, OSError) as error:
            if self._ready:
                raise EOFError from error
            raise WorkerError(
                f"a worker died while it loaded the pipeline (exit code {self.end()}): if there is "
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

    def end(self) -> int | None:
        """End the process, and return its exit code."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        return self._process.exitcode

    def _send(self, part: Part) -> None:
        with suppress(OSError):  # it has just died; `receive` says so
            self.connection.send(part)


def serve(
    connection: Connection, load: Load, writer: PartWriter, device: str | None, threads: int
) -> None:
    """Write parts until the main process ends: what the process of a `Worker` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    torch.set_num_threads(threads)
    with suppress(EOFError, BrokenPipeError):  # the main process has ended
        try:
            nlp = load()
            connection.send(None)
            while True:
                connection.send(writer.write(nlp, connection.recv()))
        except (OSError, ValueError, ImportError) as error:
            connection.send(error)
        except EOFError:
            raise
        except Exception as error:  # of a type that perhaps cannot be pickled
            connection.send(WorkerError(f"{type(error).__name__}: {error}"))
