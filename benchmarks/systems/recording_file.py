"""Recordings on disk: compressed JSON that needs neither the weights nor the tokenizer of what was
recorded. The one place that knows what a job consists of."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from spacy import registry

from spacy_genner.answers import Repairs
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.marks import Pattern
from spacy_genner.decoding.moves import spell
from spacy_genner.types import Entity, Source

from .base import Subject, Task
from .recorded import HeadShape, Recorded, Spelling, record
from .replay import Script


def save(path: Path, subject: Subject, jobs: Sequence[Job], format: dict[str, Any]) -> None:
    """Record jobs, and write the file.

    Args:
        format: That of the subject, as in a configuration.

    Raises:
        ValueError: If the jobs do not share their prefix.
    """
    prefixes = {job.prefix for job in jobs}
    if len(prefixes) != 1:
        raise ValueError(
            f"{len(prefixes)} prefixes: sentences with other label sets are other recordings"
        )
    pieces, ids = subject.lm.pieces, dict[str, list[int]]()

    def encode(text: str) -> list[int]:
        ids[text] = list(pieces.encode(text))
        return ids[text]

    recorded = record(subject, [Task(replace(job, encode=encode), []) for job in jobs])
    for word in sorted({word for job in jobs for word in job.grammar.source.words}):
        encode(word)
        encode(f" {word}")
    for mark in [
        *subject.format.marks(subject.labels),
        "\n",
    ]:  # the latter ends what is written freely
        encode(mark)
    sentences = zip(jobs, recorded.entities, recorded.scripts, strict=True)
    content = {
        "config": {"format": format},
        "labels": subject.labels,
        "prefix": prefixes.pop(),
        "end": pieces.end,
        "head": asdict(recorded.head) if recorded.head else None,
        "ids": ids,
        "sentences": [_packed(*sentence) for sentence in sentences],
    }
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf8")
    path.write_bytes(
        gzip.compress(data, mtime=0)
    )  # without the time: the same content is the same file


def load(path: Path) -> Recorded:
    """Read the file."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    pieces, head = Spelling(content["ids"], content["end"]), content["head"]
    prefix, labels, format = (
        tuple(content["prefix"]),
        content["labels"],
        registry.resolve(content["config"])["format"],
    )
    tasks, entities, scripts = list[Task](), list[list[Entity]](), list[Script]()
    for sentence in content["sentences"]:
        scripts.append(_script(sentence))
        body = list(scripts[-1].first[: sentence["body"]])
        source = Source(**{name: tuple(values) for name, values in sentence["source"].items()})
        grammar = format.grammar(source, labels)
        job = Job(prefix, body, sentence["words"], grammar, pieces.encode, pieces.end, _unread)
        entities.append([Entity(*entity) for entity in sentence["entities"]])
        tasks.append(Task(job, spell(job.grammar, job.grammar.derive(entities[-1]), job.encode)[0]))
    return Recorded(
        tasks, entities, scripts, HeadShape(**head) if head else None, pieces, format, labels
    )


def _packed(job: Job, entities: Sequence[Entity], script: Script) -> dict[str, Any]:
    return {
        "source": asdict(job.grammar.source),
        "body": len(job.body),
        "words": job.words,
        "entities": [(entity.start, entity.end, entity.label) for entity in entities],
        "first": script.first,
        "expected": [(*question, said) for question, said in script.expected.items()],
        "answers": script.answers,
    }


def _script(sentence: dict[str, Any]) -> Script:
    expected = {
        (gap, depth, _pattern(written)): _pattern(said)
        for gap, depth, written, said in sentence["expected"]
    }
    return Script(tuple(sentence["first"]), expected, sentence["answers"])


def _pattern(marks: Sequence[Sequence[Any]]) -> Pattern:
    return tuple((kind, label) for kind, label in marks)


def _unread(ids: Sequence[int]) -> tuple[list[Entity], Repairs]:
    """Nothing: without a tokenizer there is no text."""
    return [], Repairs()
