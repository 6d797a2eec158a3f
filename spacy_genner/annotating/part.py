"""A part: a fixed run of inputs by position, which is annotated alone and written as one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language

from ..files.checksums import sha256
from ..files.writing import remove_leftovers, replacing
from .annotate import Failure, Row, annotate
from .inputs import Input
from .outputs import Output, json_line, write_lines

_HOPELESS = {"first": 10, "later": 100}
"""If all inputs of a part fail, and there are at least this many, something is wrong with the
pipeline or the settings, and it is better to stop than to report every input as failed. After
others have succeeded, a few inputs may have been too difficult."""


class Part(NamedTuple):
    """A run of inputs.

    Attributes:
        number: The number of the part, from 0.
        inputs: Its inputs.
    """

    number: int
    inputs: list[Input]

    @property
    def digest(self) -> str:
        """A digest of the inputs, by which a later run knows them again."""
        lines = "\n".join(json_line(input.fields) for input in self.inputs)
        return hashlib.sha256(lines.encode()).hexdigest()


class Done(NamedTuple):
    """A part that is complete.

    Attributes:
        number: The number of the part.
        inputs: The digest of its inputs.
        documents: How many documents were annotated.
        failed: How many inputs failed.
        sha256: The SHA-256 of the file of the part.
    """

    number: int
    inputs: str
    documents: int
    failed: int
    sha256: str


@dataclass(frozen=True)
class PartWriter:
    """How parts are annotated and written. It can be pickled, so that other processes and other
    machines can write parts.

    Attributes:
        folder: The folder of the parts.
        output: How they are written.
        batch_size: The number of documents in a batch, which never crosses the end of a part; None
            for the pipeline's own.
    """

    folder: Path
    output: Output
    batch_size: int | None = None

    def path(self, number: int) -> Path:
        """Return the file of a part."""
        return self.folder / f"part-{number:05d}{self.output.suffix}"

    def failures_path(self, number: int) -> Path:
        """Return the file of what failed in a part."""
        return self.folder / f"_failed-{number:05d}.jsonl"

    def write(self, nlp: Language, part: Part, tick: Callable[[], object] = lambda: None) -> Done:
        """Annotate a part, and write it and what failed in it.

        The file of a part is complete when it has its name. What failed is written before.

        Args:
            nlp: The pipeline.
            part: The part.
            tick: Is called after each input.

        Raises:
            OSError: If a file cannot be written.
            ValueError: If all inputs failed, and those of other parts would fail as well.
        """
        # What spaCy remembers of new words is forgotten after each part, and memory stays constant.
        with nlp.memory_zone():
            rows, failures = list[Row](), list[Failure]()
            for result in annotate(nlp, part.inputs, self.batch_size):
                tick()
                if isinstance(result, Row):
                    rows.append(result)
                else:
                    failures.append(result)
            failures += _lost(part, [*rows, *failures])
            if not rows and _hopeless(part, failures):
                raise ValueError(
                    f"all {len(failures)} inputs of {self.path(part.number).name} failed, the "
                    f"first one ({failures[0].input.place}) with the error: {failures[0].reason}"
                )
            rows.sort(key=_position)
            self.write_failures(part.number, failures)
            path = self.path(part.number)
            remove_leftovers(path)
            with replacing(path) as new:
                self.output.write(new, rows)
            return Done(part.number, part.digest, len(rows), len(failures), sha256(path))

    def write_failures(self, number: int, failures: Sequence[Failure]) -> None:
        """Write what failed in a part, by position; if nothing did, remove the file.

        Raises:
            OSError: If it cannot be written.
        """
        path = self.failures_path(number)
        remove_leftovers(path)
        if not failures:
            path.unlink(missing_ok=True)
            return
        with replacing(path) as new:
            write_lines(new, (failure.record() for failure in sorted(failures, key=_position)))


def parts_of(inputs: Iterable[Input], size: int) -> Iterator[Part]:
    """Cut inputs into parts.

    Args:
        inputs: The inputs.
        size: The number of inputs in each part but the last.
    """
    stream, number = iter(inputs), 0
    while part := list(islice(stream, size)):
        yield Part(number, part)
        number += 1


def _lost(part: Part, results: Sequence[Row | Failure]) -> list[Failure]:
    """Return the inputs that came to nothing, because a component does not hand on all documents
    that it gets."""
    known = {result.input.position for result in results}
    lost = [input for input in part.inputs if input.position not in known]
    return [Failure(input, "a component has lost the document") for input in lost]


def _hopeless(part: Part, failures: Sequence[Failure]) -> bool:
    """Return whether the failures are such that the next part would fail as well. A run of broken
    inputs is not, unless the whole input begins with it."""
    if part.number == 0:
        return len(failures) >= _HOPELESS["first"]
    broken = any(failure.input.fault for failure in failures)
    return len(failures) >= _HOPELESS["later"] and not broken


def _position(result: Row | Failure) -> int:
    return result.input.position
