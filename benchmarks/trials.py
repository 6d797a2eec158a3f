"""The sentences of a corpus, the systems that work on them, and what is measured of their work."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import spacy
import typer
from comparing import f1, margin
from peak import Peak
from systems import SYSTEMS
from systems.base import InBatches, Output, Subject, System, Task
from systems.ours import Ours, greedy, speculative
from systems.spacy_pipeline import SpacyPipeline

from spacy_genner.cli._pipelines import read_corpus
from spacy_genner.decoding.moves import spell
from spacy_genner.models.generative import speller_of
from spacy_genner.pipeline.docs import read_doc
from spacy_genner.types import Entity

COMPONENT = "generative_ner"
_FIRST = 16
"""The batch size of what is computed before anything is timed."""


class Trials:
    """Runs of systems on the first sentences of a corpus, the shortest first, each as one window.

    model: A folder with a trained pipeline.
    pipelines: Folders of other pipelines, by the names of their systems.
    """

    def __init__(
        self, model: str, test: Path, limit: int, dtype: str, device: str, pipelines: Mapping[str, str]
    ) -> None:
        lm = {"dtype": dtype, "device": device}
        nlp = spacy.load(model, config={"components": {COMPONENT: {"model": {"lm": lm}}}})
        component: Any = nlp.get_pipe(COMPONENT)
        network = component.model
        attrs = network.attrs
        self._subject = Subject(network.shims[0].lm, attrs["format"], attrs["labels"], attrs["decoder"])
        self._key = nlp.get_pipe_config(COMPONENT)["spans_key"]
        self._pipelines = pipelines
        self._systems: dict[str, System | None] = {}
        speller, tasks = speller_of(network), []
        for number, example in enumerate(read_corpus(test, nlp, limit)):
            read = read_doc(example.predicted)
            tasks.append(Task(number, example, read, speller.job(read.source), []))
        self._tasks = sorted(tasks, key=lambda task: len(task.job.body))
        for task, entities in zip(self._tasks, self._found(speculative(self._subject)), strict=True):
            task.answer.extend(spell(task.job.grammar, task.job.grammar.derive(entities), task.job.encode)[0])
        self._reference = self._found(greedy(self._subject))

    def system(self, name: str) -> System | None:
        """The system; None, with the reason printed once, if it cannot be had."""
        if name not in self._systems:
            path = self._pipelines.get(name)
            try:
                self._systems[name] = (
                    InBatches(SpacyPipeline(path, self._key)) if path else SYSTEMS[name](self._subject)
                )
            except (ImportError, OSError, ValueError) as error:
                typer.echo(f"{name} is left out: {error}")
                self._systems[name] = None
        return self._systems[name]

    def warm_up(self, system: System, batch: int) -> dict[str, float]:
        """Work on a batch of short sentences and one of long ones. Returns: the peak of memory in MiB, of all that is
        loaded, and by how much it is above what was held before the long ones."""
        system(self._tasks[:batch], batch)
        with Peak(self._subject.lm.device) as peak:
            system(self._tasks[-batch:], batch)
        return {"mib": peak.mib, "rise": peak.mib - peak.before}

    def run(self, system: System, batch: int) -> tuple[float, Output]:
        """Work on all sentences once. Returns: the seconds that it took, and the output."""
        start = time.perf_counter()
        output = system(self._tasks, batch)
        return time.perf_counter() - start, output

    def result(self, system: System, output: Output) -> dict[str, Any]:
        """All that is to be said of a run besides its time."""
        result: dict[str, Any] = {
            "sentences": len(self._tasks),
            "prefix": len(self._tasks[0].job.prefix),
            "reading": asdict(output.reading),
            "f": None,
            "differing": None,
        }
        if output.entities is not None:
            result["f"] = f1(self._tasks, output.entities, self._key)
            result["differing"] = self._differing(output.entities, isinstance(system, Ours))
        return result

    def _found(self, system: System) -> list[list[Entity]]:
        return system(self._tasks, _FIRST).entities or []

    def _differing(self, found: Sequence[list[Entity]], legal: bool) -> dict[str, float | None]:
        """The numbers of the sentences with other entities than our greedy decoder finds, with its margins there."""
        sides = zip(self._tasks, found, self._reference, strict=True)
        others = [(task, ours, theirs) for task, ours, theirs in sides if set(ours) != set(theirs)]
        return {str(t.number): margin(self._subject, t, *pair) if legal else None for t, *pair in others}
