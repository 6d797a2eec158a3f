"""A run over an input of any length, which goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .crew import Crew, GivenUp, Load
from .inputs import Inputs
from .outputs import Output
from .parquet_files import schema_of
from .part import Done, Part, PartWriter, parts_of
from .run_record import add_done, added, begin, only_run, pipeline_identity, read_done

Tick = Callable[[int], object]
Start = Callable[[int], Tick]


@dataclass
class Summary:
    """What came of a run.

    Attributes:
        documents: How many documents were annotated.
        failed: How many inputs failed. They are in the files of failures.
        before: How many of all these had been done by an earlier run.
        given_up: The parts that are missing because their workers died.
        added: What has been added to the input since the run began, in words.
    """

    documents: int = 0
    failed: int = 0
    before: int = 0
    given_up: list[int] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    def add(self, part: Done | GivenUp) -> None:
        """Count a part."""
        if isinstance(part, GivenUp):
            self.given_up.append(part.number)
            self.failed += part.inputs
        else:
            self.documents += part.documents
            self.failed += part.failed


@dataclass(frozen=True)
class Run:
    """A run, which writes parts into a folder.

    Attributes:
        model: The pipeline: a folder, a config file, or the name of an installed package.
        load: The function that loads it. It can be pickled.
        folder: The folder of the parts.
        output: How they are written.
        part_size: The number of inputs in a part.
        batch_size: The number of documents in a batch; None for the pipeline's own.
        crew: Returns several workers that write parts, such as `Workers` or `RayWorkers`. None:
            parts are written in this process.
    """

    model: str
    load: Load
    folder: Path
    output: Output = field(default_factory=Output)
    part_size: int = 1000
    batch_size: int | None = None
    crew: Callable[[Load, PartWriter], Crew[Any]] | None = None

    def __call__(self, inputs: Inputs, start: Start = lambda _: _ignore) -> Summary:
        """Write the parts that are missing.

        Args:
            inputs: The input.
            start: Is called with the number of inputs that an earlier run has dealt with, and
                returns what to call with the number of those that have just been dealt with.

        Raises:
            ValueError: If the folder holds a run with another input, model or other settings; if a
                part in it is damaged; or if all inputs of a part fail.
            OSError: If a file cannot be read or written.
            ImportError: If a package that a format needs is not installed.
            Exception: Whatever else goes wrong in the pipeline, apart from documents that fail.
        """
        with only_run(self.folder), ExitStack() as stack:
            inputs = begin(self.folder, inputs, self._settings(inputs))
            writer = PartWriter(self.folder, self._output(inputs), self.batch_size)
            done = read_done(self.folder, writer)
            summary = Summary()
            for former in done.values():
                summary.add(former)
            summary.before = summary.documents + summary.failed
            tick = start(summary.before)
            missing = _missing(parts_of(inputs, self.part_size), done)
            for result in self._write(missing, writer, tick, stack):
                if isinstance(result, Done):
                    add_done(self.folder, result)
                summary.add(result)
            summary.added = added(inputs)
            return summary

    def _settings(self, inputs: Inputs) -> dict[str, object]:
        """Return what the result depends on, apart from the files of the input."""
        return {
            "model": Path(self.model).name,
            "model_digest": pipeline_identity(self.model),
            "format": self.output.format,
            "spans_key": self.output.spans_key,
            "part_size": self.part_size,
            "batch_size": self.batch_size,
            "lines": inputs.lines,
            "text_field": inputs.text_field,
            "id_field": inputs.id_field,
        }

    def _output(self, inputs: Inputs) -> Output:
        """Return how parts are written, with the columns of the input if these have types."""
        if self.output.format != "parquet" or not inputs.is_parquet:
            return self.output
        return replace(self.output, schema=schema_of([file.path for file in inputs.files]))

    def _write(
        self,
        parts: Iterable[Part],
        writer: PartWriter,
        tick: Tick,
        stack: ExitStack,
    ) -> Iterator[Done | GivenUp]:
        """Write parts, in this process or in others, and yield each as soon as it is done."""
        if self.crew:
            workers = stack.enter_context(self.crew(self.load, writer))
            for done in workers.write(parts):
                yield done
                tick(done.documents + done.failed if isinstance(done, Done) else done.inputs)
            return
        nlp = None
        for part in parts:
            nlp = nlp or self.load()  # not if nothing is left to do
            yield writer.write(nlp, part, lambda: tick(1))


def _missing(parts: Iterable[Part], done: Mapping[int, Done]) -> Iterator[Part]:
    """Yield the parts that are not done, and check that the others are those that were."""
    for part in parts:
        if part.number not in done:
            yield part
        elif part.digest != done[part.number].inputs:
            raise ValueError(
                f"the inputs from {part.inputs[0].place} on are not those that part {part.number} "
                "was written from: give the same input, or another output folder; or, if the input "
                "had ended too early, delete the last part"
            )


def _ignore(count: int) -> None:
    """Show no progress."""
