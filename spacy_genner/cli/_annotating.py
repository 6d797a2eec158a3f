"""How `annotate` shows and writes documents: on the screen, as a stream, or in parts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from tqdm import tqdm

from ..annotating.annotate import Failure, Row, annotate
from ..annotating.carried import Carried
from ..annotating.crew import Crew, Load, WorkerError
from ..annotating.inputs import Input, Inputs
from ..annotating.outputs import LINES, SUFFIXES, Output, json_line
from ..annotating.part import PartWriter
from ..annotating.ray_workers import RayWorkers
from ..annotating.run import Run, Summary, Tick
from ..annotating.workers import Workers
from ..evaluation.annotations import tree
from ..evaluation.spans import read_own_spans
from ..printing import msg
from ._pipelines import MENDABLE, build

KINDS = (*MENDABLE, ImportError, WorkerError)
"""The kinds of errors that the user can fix."""
STANDARD = Path("-")
"""Standard input or output."""
_ZONE = 1000
"""After how many documents of a stream new words are forgotten."""
_SHOWN = 10
"""At most how many failures are printed."""


def is_folder(output: Path) -> bool:
    """Return whether an output is a folder of parts: one that is there, or a name without a
    suffix."""
    return output.is_dir() or (output != STANDARD and not output.suffix and not output.exists())


def format_of(output: Path | None, format: str | None) -> str:
    """Return the format to write: the one that is wanted, or else that of the suffix of the output.

    Raises:
        ValueError: If there is no such format, or if it is not one of files with that suffix.
    """
    if output is None or output == STANDARD or is_folder(output):
        if output == STANDARD and format not in (None, *LINES):
            raise ValueError(f"--format {format}: it is not one of lines, so it needs a file")
        return format or "jsonl"
    if format:
        suffixes = {format: SUFFIXES[format]}
    else:  # the suffix must be the name of the format: a .json file need not be for Label Studio
        suffixes = {name: suffix for name, suffix in SUFFIXES.items() if suffix == f".{name}"}
    for name, suffix in suffixes.items():
        if suffix == output.suffix:
            return name
    raise ValueError(
        f"--output {output}: the name must end in {' or '.join(suffixes.values())}, or be that of "
        "a folder; other formats need --format"
    )


def devices_of(workers: int | None, devices: str | None) -> list[str | None]:
    """Return the GPU of each process; an empty list if no other process is needed."""
    gpus: list[str | None] = [*devices.split(",")] if devices else [None]
    count = workers or len(gpus)
    return [gpus[i % len(gpus)] for i in range(count)] if devices or count > 1 else []


def crew_of(
    workers: int | None, devices: str | None, ray: str | None, cpus: float, gpus: float
) -> Callable[[Load, PartWriter], Crew[Any]] | None:
    """Return what makes the workers that the options ask for; None if this process does the work.

    Raises:
        ValueError: If options contradict one another.
    """
    if ray is None:
        if gpus:
            raise ValueError("--gpus-per-worker is for --ray: use --devices")
        each = devices_of(workers, devices)
        return partial(Workers, devices=each) if each else None
    if devices:
        raise ValueError("--devices is not for --ray, which chooses them: use --gpus-per-worker")
    return partial(RayWorkers, size=workers or 1, address=ray, cpus=cpus, gpus=gpus)


def loader(model: str, gpu_id: int, carried: bool) -> Load:
    """Return the function that loads a pipeline; see `build`.

    Args:
        model: The pipeline.
        gpu_id: The GPU of thinc's own layers.
        carried: Whether it must work on machines that do not have the folder of the pipeline.

    Raises:
        OSError: If a file of the pipeline cannot be read.
    """
    if carried and Path(model).exists():
        return Carried.of(Path(model), partial(build, gpu_id=gpu_id))
    return partial(build, model, gpu_id)


def print_all(
    nlp: Language, inputs: Inputs, how: Output, batch_size: int | None, keep: bool
) -> list[Row]:
    """Print each document as soon as it is done, and return them all if they are to be kept."""
    rows, failures, count = list[Row](), list[Failure](), 0
    results = annotate(nlp, inputs, batch_size) if keep else passing(nlp, inputs, batch_size)
    # disable=None: the bar is only shown in a terminal
    for result in tqdm(results, total=_total(inputs), unit="doc", leave=False, disable=None):
        count += 1
        if isinstance(result, Failure):
            failures.append(result)
            continue
        tqdm.write(tree(result.doc, read_own_spans(result.doc, how.spans_key)))
        if keep:
            rows.append(result)
    if not count:
        msg.warn(f"There is no text in {inputs.path}")
    if failures:
        msg.warn(
            f"{len(failures)} of {count} documents failed in the pipeline and are left out",
            "\n".join(f"{one.input.place}: {one.reason}" for one in failures[:_SHOWN]),
        )
    return rows


def write_stream(nlp: Language, inputs: Inputs, how: Output, batch_size: int | None) -> None:
    """Write each document to standard output as soon as it is done, and what fails to standard
    error, both as JSON lines."""
    for result in passing(nlp, inputs, batch_size):
        if isinstance(result, Row):
            line = json_line(how.record(result))
            sys.stdout.buffer.write(f"{line}\n".encode())  # whatever the terminal's encoding is
            sys.stdout.buffer.flush()
        else:
            print(json.dumps(result.record(), default=str), file=sys.stderr)


def passing(
    nlp: Language, inputs: Iterable[Input], batch_size: int | None
) -> Iterator[Row | Failure]:
    """Annotate inputs; see `annotate`. A document must not be used after the next one has come: the
    words that spaCy learns from them are forgotten again and again, and memory stays constant."""
    stream = iter(inputs)
    for first in stream:
        with nlp.memory_zone():
            yield from annotate(nlp, chain([first], islice(stream, _ZONE - 1)), batch_size)


def write_parts(run: Run, inputs: Inputs) -> None:
    """Write the parts that are missing, and say what came of it."""
    with ExitStack() as stack:

        def start(before: int) -> Tick:
            total = _total(inputs)
            bar = tqdm(total=total, initial=before, unit="doc", disable=None)
            return stack.enter_context(bar).update  # type: ignore[no-any-return]

        summary = run(inputs, start)
    _report(run.folder, summary)


def _report(folder: Path, summary: Summary) -> None:
    for what in summary.added:
        msg.warn(what)
    earlier = f", {summary.before:,} of them by an earlier run" if summary.before else ""
    if summary.failed:
        msg.warn(f"{summary.failed:,} documents failed; see {folder}/_failed-*.jsonl")
    if summary.given_up:
        numbers = ", ".join(map(str, summary.given_up))
        msg.fail(
            f"The parts {numbers} are missing, because the processes that annotated them died: run "
            "the command again to try them again",
            exits=1,
        )
    msg.good(f"Annotated {summary.documents:,} documents{earlier}; they are in {folder}")


def _total(inputs: Inputs) -> int | None:
    """Return how many inputs there are, if a terminal shows it and they can be counted."""
    return sum(1 for _ in inputs) if inputs.files and sys.stderr.isatty() else None
