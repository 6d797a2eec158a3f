"""The sentences of a corpus, the systems that work on them, and what is measured of their work."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import spacy
import typer
from comparing import f1, margin
from peak import Peak
from systems import SCRIPTED, SYSTEMS
from systems.base import InBatches, Sentence, Subject, System
from systems.ours import Ours, greedy, speculative
from systems.shaped import Shaped
from systems.spacy_pipeline import SpacyPipeline

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.decoding.moves import spell
from spacy_genner.models.generative import speller_of
from spacy_genner.types import Entity

COMPONENT = "generative_ner"
_FIRST = 16
"""The batch size of what is computed before anything is timed."""


class Trials:
    """Runs of systems on parts of the first sentences of a corpus, the shortest of a part first,
    each as one window.

    Args:
        model: A folder with a trained pipeline.
        parts: How many.
        shape: The size of a model with random weights to take the place of the trained one, if any;
            see `Shaped`.
        pipelines: Folders of other pipelines, by the names of their systems.
    """

    def __init__(
        self,
        model: str,
        test: Path,
        limit: int,
        parts: int,
        dtype: str,
        device: str,
        shape: str | None,
        pipelines: Mapping[str, str],
    ) -> None:
        lm = {"dtype": dtype, "device": device}
        nlp = spacy.load(model, config={"components": {COMPONENT: {"model": {"lm": lm}}}})
        component: Any = nlp.get_pipe(COMPONENT)
        network = component.model
        attrs = network.attrs
        self._subject = Subject(network.shims[0].lm, attrs["format"], attrs["labels"])
        self._key = nlp.get_pipe_config(COMPONENT)["spans_key"]
        self._pipelines = pipelines
        self._systems: dict[str, System | None] = {}
        speller, tasks = speller_of(network), []
        for number, example in enumerate(read_corpus(test, nlp, limit)):
            read = component.reading(example.predicted)
            tasks.append(Sentence(speller.job(read.source), [], number, example, read))
        self._tasks = sorted(tasks, key=lambda task: len(task.job.body))
        self._parts = [self._tasks[part::parts] for part in range(parts)]
        for task, entities in zip(
            self._tasks, self._found(speculative(self._subject)), strict=True
        ):
            task.answer.extend(
                spell(task.job.grammar, task.job.grammar.derive(entities), task.job.encode)[0]
            )
        self._reference = self._found(greedy(self._subject))
        self._known = SCRIPTED if shape else SYSTEMS
        if shape:
            shaped = Shaped.like(self._subject, self._tasks, shape)
            self._subject = replace(self._subject, lm=shaped)

    def system(self, name: str) -> System | None:
        """The system; None, with the reason printed once, if it cannot be had."""
        if name not in self._systems:
            path, known = self._pipelines.get(name), self._known
            try:
                made = (
                    InBatches(SpacyPipeline(path, self._key))
                    if path
                    else known[name](self._subject)
                )
                self._systems[name] = made
            except (ImportError, OSError, ValueError) as error:
                typer.echo(f"{name} is left out: {error}")
                self._systems[name] = None
        return self._systems[name]

    def warm_up(self, system: System, batch: int) -> dict[str, float]:
        """Work on a batch of short sentences and one of long ones.

        Returns:
            The peak of memory in MiB, of all that is loaded, and by how much it is above what was
            held before the long ones.
        """
        system(self._tasks[:batch], batch)
        with Peak(self._subject.lm.device) as peak:
            system(self._tasks[-batch:], batch)
        return {"mib": peak.mib, "rise": peak.mib - peak.before}

    def run(self, system: System, batch: int, part: int) -> dict[str, Any]:
        """Work on a part once.

        Returns:
            What it took, and what was found.
        """
        tasks = self._parts[part]
        start = time.perf_counter()
        output = system(tasks, batch)
        seconds = time.perf_counter() - start
        found = output.entities
        return {
            "seconds": seconds,
            "sentences": len(tasks),
            "reading": asdict(output.reading),
            "found": found
            and {str(t.number): list(map(asdict, e)) for t, e in zip(tasks, found, strict=True)},
        }

    def quality(self, system: System, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """F1 of what was found in runs, and the sentences where our greedy decoder finds other
        entities."""
        if not all(run["found"] for run in runs):
            return {"f": None, "differing": None}
        by_number = {number: found for run in runs for number, found in run["found"].items()}
        tasks, references, found = [], [], []
        for task, reference in zip(self._tasks, self._reference, strict=True):
            if str(task.number) in by_number:
                tasks.append(task)
                references.append(reference)
                found.append([Entity(**entity) for entity in by_number[str(task.number)]])
        others = [
            trio
            for trio in zip(tasks, found, references, strict=True)
            if set(trio[1]) != set(trio[2])
        ]
        legal = isinstance(system, Ours)
        return {
            "f": f1(tasks, found, self._key),
            "differing": {
                str(t.number): margin(self._subject, t, *pair) if legal else None
                for t, *pair in others
            },
        }

    def _found(self, system: System) -> list[list[Entity]]:
        return system(self._tasks, _FIRST).entities or []
