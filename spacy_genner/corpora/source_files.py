"""Corpora of whole documents, read from the files that their sources publish."""

from __future__ import annotations

import ast
import csv
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..files.text_files import read_text
from .brat import find_pairs, read_pair
from .json_values import read_values
from .record import RawSpan, Record, raw_span


def present(path: Path) -> Path:
    """Return the path of a file, or that of its compressed form where only `.gz` is there.

    Raises:
        FileNotFoundError: If neither is there.
    """
    for place in (path, path.with_name(f"{path.name}.gz")):
        if place.exists():
            return place
    raise FileNotFoundError(f"{path}: there is no such file, nor a .gz of it")


def read_litbank(folder: Path) -> list[Record]:
    """Read the documents of LitBank, in the order of their names, from `brat/`."""
    return [read_pair(pair) for pair in find_pairs([present(folder / "brat")])]


def read_mspt(folder: Path, names: str) -> list[Record]:
    """Read the documents of MSPT that a list names.

    Args:
        folder: Holds the lists, and the documents either in `data/`, as in the repository, or in
            the archive `mspt.tar.gz` of that folder.
        names: The file with the names of the documents.
    """
    listed = read_text(present(folder / names)).split()
    if (folder / "data").exists():
        return _listed(folder, listed)
    with TemporaryDirectory() as unpacked:
        with tarfile.open(present(folder / "mspt.tar.gz")) as archive:
            archive.extractall(unpacked, filter="data")
        return _listed(Path(unpacked), listed)


def _listed(folder: Path, names: Sequence[str]) -> list[Record]:
    paths = [folder / "data" / f"{name}.txt" for name in names]
    return [read_pair(pair) for pair in find_pairs(paths)]


def read_re3d(folder: Path) -> list[Record]:
    """Read the documents of RE3D, from one folder for each publisher.

    The folder "BBC Online" is skipped: its licence excludes commercial use.
    """
    publishers = [
        path
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith("BBC")
    ]
    texts: dict[str, Any] = {}
    spans: dict[str, list[RawSpan]] = {}
    for publisher in publishers:
        for _, document in read_values(present(publisher / "documents.json")):
            texts[document["_id"]] = document["text"]
            spans[document["_id"]] = []
    for publisher in publishers:
        for place, entity in read_values(present(publisher / "entities.json")):
            span = raw_span(place, entity["begin"], entity["end"], entity["type"])
            spans[entity["documentId"]].append(span)
    if not texts:
        raise ValueError(f"{folder} has no folder with documents.json and entities.json in it")
    return [Record(f"{folder}, {name}", text, [], spans[name]) for name, text in texts.items()]


def read_tasteset(folder: Path) -> list[Record]:
    """Read the recipes of TASTEset. Its discontinuous entities are ignored, and counted as such."""
    path = present(folder / "TASTEset.csv")
    rows = csv.DictReader(io.StringIO(read_text(path)))
    return [_recipe(row, f"{path}, recipe {number}") for number, row in enumerate(rows, 1)]


def _recipe(row: dict[str, str], place: str) -> Record:
    spans: list[RawSpan] = []
    discontinuous = 0
    for entity in json.loads(row["ingredients_entities"]):
        parts = ast.literal_eval(entity["span"])  # a Python list of pairs, in a JSON string
        if len(parts) == 1:
            start, end = parts[0]
            spans.append(raw_span(place, start, end, entity["type"]))
        else:
            discontinuous += 1
    ignored = ("discontinuous entities",) * discontinuous
    return Record(place, row["ingredients"], [], spans, ignored=ignored)
