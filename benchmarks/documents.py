"""Corpora of whole documents, from the files of their sources."""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainings import genner

_TEST = 5
"""Every fifth document is for testing, where a corpus has no split."""


@dataclass(frozen=True)
class Corpus:
    """How a corpus of documents is read.

    Attributes:
        prepare: Writes what `genner convert` reads of a part into a folder. Returns: the files.
        format: How to convert them.
        batch: How many documents a step of training takes, about 500 tokens.
    """

    prepare: Callable[[Path, str, Path], list[Path]]
    format: str
    batch: int


def converted(name: str, part: str, corpora: Path, work: Path) -> Path:
    """A part of a corpus as a .spacy file, converted once."""
    path = work / "documents" / name / f"{part}.spacy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        files = CORPORA[name].prepare(corpora / name, part, path.parent)
        genner("convert", *files, path, "--format", CORPORA[name].format)
    return path


def _litbank(folder: Path, part: str, work: Path) -> list[Path]:
    return list(_split(sorted((folder / "brat").glob("*.txt")), part))


def _mspt(folder: Path, part: str, work: Path) -> list[Path]:
    with tarfile.open(folder / "mspt.tar.gz") as archive:
        archive.extractall(work, filter="data")
    names = (folder / f"ner-{part}-fnames.txt").read_text("utf-8").split()
    return [work / "data" / f"{name}.txt" for name in names]


def _re3d(folder: Path, part: str, work: Path) -> list[Path]:
    documents = {
        d["_id"]: d["text"]
        for source in sorted(folder.iterdir())
        for d in _lines(source, "documents")
    }
    spans: dict[str, list[list[Any]]] = {id: [] for id in documents}
    for source in sorted(folder.iterdir()):
        for entity in _lines(source, "entities"):
            spans[entity["documentId"]].append([entity["begin"], entity["end"], entity["type"]])
    records = [{"text": text, "spans": spans[id]} for id, text in documents.items()]
    return _written(_split(records, part), work / f"{part}.jsonl")


def _tasteset(folder: Path, part: str, work: Path) -> list[Path]:
    table = gzip.decompress((folder / "TASTEset.csv.gz").read_bytes()).decode("utf-8")
    records = []
    for row in csv.DictReader(io.StringIO(table)):
        entities = json.loads(row["ingredients_entities"])
        spans = [(ast.literal_eval(entity["span"]), entity["type"]) for entity in entities]
        whole = [[*pairs[0], label] for pairs, label in spans if len(pairs) == 1]
        records.append({"text": row["ingredients"], "spans": whole})
    return _written(_split(records, part), work / f"{part}.jsonl")


def _lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    for path in folder.glob(f"{name}.json*"):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        yield from map(json.loads, data.decode("utf-8").splitlines())


def _split(documents: list[Any], part: str) -> Iterator[Any]:
    return (
        document for n, document in enumerate(documents) if (n % _TEST == 0) == (part == "test")
    )


def _written(records: Iterator[dict[str, Any]], path: Path) -> list[Path]:
    path.write_text("\n".join(map(json.dumps, records)), "utf-8")
    return [path]


CORPORA = {
    "tasteset": Corpus(_tasteset, "jsonl", 8),
    "re3d": Corpus(_re3d, "jsonl", 2),
    "mspt": Corpus(_mspt, "brat", 2),
    "litbank": Corpus(_litbank, "brat", 1),
}
