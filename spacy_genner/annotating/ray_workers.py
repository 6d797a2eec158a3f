"""Parts written by workers on the machines of a Ray cluster (the extra `ray`)."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from spacy.language import Language

from ..files.writing import remove_leftovers, replacing
from .crew import ATTEMPTS, Crew, Load, Member, WorkerError
from .part import Done, Part, PartWriter

LOCAL = "local"
"""The address of a cluster that is this machine alone, and ends with the run."""
_PATIENCE = 30.0
"""After how many seconds a worker that has no place in the cluster is worth a warning."""
_logger = logging.getLogger("spacy_genner")


class Written(NamedTuple):
    """A part that has been written on another machine.

    Attributes:
        done: The part.
        content: Its file.
        failures: The file of what failed in it; None if nothing did.
    """

    done: Done
    content: bytes
    failures: bytes | None


class PartActor:
    """What runs on a machine of the cluster: it loads the pipeline once, and writes parts.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts. Its folder is not used.
        threads: The number of threads that torch may use.
    """

    def __init__(self, load: Load, writer: PartWriter, threads: int) -> None:
        torch.set_num_threads(threads)
        self._load = load
        self._writer = writer
        self._nlp: Language | None = None

    def arrive(self) -> None:
        """Do nothing: the answer says that there is a place for the actor in the cluster."""

    def load(self) -> None:
        """Load the pipeline."""
        self._nlp = self._load()

    def write(self, part: Part) -> Written:
        """Write a part into a temporary folder, and return its files."""
        assert self._nlp
        with TemporaryDirectory() as folder:
            writer = replace(self._writer, folder=Path(folder))
            done = writer.write(self._nlp, part)
            path, failures = writer.path(part.number), writer.failures_path(part.number)
            failed = failures.read_bytes() if failures.exists() else None
            return Written(done, path.read_bytes(), failed)


class RayWorker(Member):
    """An actor, as the main process sees it. It is not restarted by Ray, which would not say whose
    part has killed it.

    Args:
        start: Starts a `PartActor`, and returns its handle.
        writer: What knows where the files of parts belong.

    Attributes:
        answer: The reference to what the actor is doing.
        placed: Whether there is a place for it in the cluster.
        since: When it was started, by `time.monotonic`.
    """

    def __init__(self, start: Callable[[], Any], writer: PartWriter) -> None:
        self._start = start
        self._writer = writer
        self._deaths = 0
        self._how = ""
        self._begin()

    def _begin(self) -> None:
        self._actor = self._start()
        self.answer = self._actor.arrive.remote()
        self.placed = self._loaded = False
        self.since = time.monotonic()

    def give(self, part: Part) -> None:
        """Give the actor a part to write."""
        self.part = part
        if self._loaded:
            self.answer = self._actor.write.remote(part)

    def receive(self) -> Done | None:
        """Return the part that the actor has written, once its files are in place."""
        ray = import_ray()
        try:
            answer = ray.get(self.answer)
        except ray.exceptions.RayTaskError as error:
            raise _cause(error) from error
        except ray.exceptions.RayError as error:  # the actor, its process or its machine is gone
            self._bury(error)
            return None
        if isinstance(answer, Written):
            self.part = None
            put(answer, self._writer)
            return answer.done
        if not self.placed:
            self.placed = True
            self.answer = self._actor.load.remote()
        else:
            self._loaded = True
            self.answer = self._actor.write.remote(self.part)
        return None

    def end(self) -> str:
        """End the actor, and return the kind of error that it has ended with."""
        import_ray().kill(self._actor)
        return self._how

    def _bury(self, error: Exception) -> None:
        """Start the actor again if it has died before it wrote a part.

        Raises:
            EOFError: If it has died while it wrote one.
            WorkerError: If it has died again and again while it loaded the pipeline.
        """
        self._how = type(error).__name__
        _logger.info("a worker has died: %s", error)
        if self._loaded:
            raise EOFError from error
        self._deaths += 1
        if self._deaths == ATTEMPTS:
            raise WorkerError(
                f"a worker died {ATTEMPTS} times while it loaded the pipeline ({self._how}): if "
                "there is too little memory, use fewer workers on each machine, by more CPUs or "
                "GPUs for each"
            ) from error
        self._begin()


class RayWorkers(Crew[RayWorker]):
    """Actors of Ray that write parts. Use it in a `with` block.

    Only the main process reads the input and writes into the folder: it sends an actor the inputs
    of a part, and receives its files. Ray is started, or connected to, with the first part, unless
    the program has done that itself.

    Args:
        load: The function that loads the pipeline.
        writer: What writes the parts.
        size: The number of actors.
        address: The address of the cluster, "auto" for the one that this machine is part of, or
            `LOCAL`.
        cpus: The number of CPUs of each actor, and of its threads.
        gpus: The number of GPUs of each actor; a fraction if several share one.
    """

    def __init__(
        self,
        load: Load,
        writer: PartWriter,
        size: int = 1,
        address: str = LOCAL,
        cpus: float = 1,
        gpus: float = 0,
    ) -> None:
        super().__init__(writer, size)
        self._load: Any = load
        self._address = address
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._started: Any = None  # the module ray, if it is to be shut down
        self._sent: Any = None  # the reference to `load`
        self._warned = False

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._started:
            self._started.shutdown()

    def _hire(self, index: int) -> RayWorker:
        ray = import_ray()
        if not self._sent:
            if not ray.is_initialized():
                self._connect(ray)
                self._started = ray
            self._sent = ray.put(self._load)
        actor = ray.remote(PartActor).options(max_restarts=0, **self._resources)
        threads = max(int(self._resources["num_cpus"]), 1)
        return RayWorker(lambda: actor.remote(self._sent, self._writer, threads), self._writer)

    def _connect(self, ray: Any) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self._address == LOCAL:
            cpus = math.ceil(self._size * self._resources["num_cpus"])
            quiet |= {"num_cpus": cpus, "include_dashboard": False}
        try:
            ray.init(self._address, **quiet)
        except RuntimeError as error:  # such as other versions of Ray or Python
            raise WorkerError(f"no connection to Ray at {self._address}: {error}") from error

    def _ready(self, busy: dict[int, RayWorker]) -> list[int]:
        ray = import_ray()
        ready, _ = ray.wait([worker.answer for worker in busy.values()], timeout=_PATIENCE)
        homeless = [worker.since for worker in busy.values() if not worker.placed]
        if homeless and not self._warned and time.monotonic() - min(homeless) > _PATIENCE:
            self._warned = True
            free = ray.available_resources()
            _logger.warning(
                "%d of %d workers still wait for a place in the Ray cluster: each needs %g CPUs "
                "and %g GPUs, and %g CPUs and %g GPUs are free",
                len(homeless),
                self._size,
                *self._resources.values(),
                free.get("CPU", 0),
                free.get("GPU", 0),
            )
        return [index for index, worker in busy.items() if worker.answer in ready]


def put(written: Written, writer: PartWriter) -> None:
    """Put the files of a part where they belong, that of the failures first.

    Raises:
        OSError: If they cannot be written.
    """
    path, failures = (
        writer.path(written.done.number),
        writer.failures_path(written.done.number),
    )
    if written.failures is None:
        failures.unlink(missing_ok=True)
    for place, content in ((failures, written.failures), (path, written.content)):
        remove_leftovers(place)
        if content is not None:
            with replacing(place) as new:
                new.write_bytes(content)


def import_ray() -> Any:
    """Return the module `ray`.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            'work is shared among machines by Ray, which is not installed: pip install "'
            'spacy-genner[ray]"'
        ) from error
    return ray


def _cause(error: Any) -> Exception:
    """Return what went wrong in an actor."""
    cause = error.cause
    if isinstance(cause, OSError | ValueError | ImportError):
        return cause
    return WorkerError(f"{type(cause).__name__}: {cause}")
