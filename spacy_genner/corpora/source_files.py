"""Corpora of documents, read from the files that their sources publish."""

from __future__ import annotations

import ast
import csv
import io
import tarfile
import zlib
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..files.text_files import numbered_lines, present, read_text
from .brat import find_pairs, read_pair
from .columns import Layout, Sentence, read_columns
from .json_values import parse_json, read_values
from .record import RawSpan, Record, raw_span
from .span_lists import read_span_record


def read_litbank(folder: Path) -> list[Record]:
    """Read the documents of LitBank, in the order of their names, from `brat/`."""
    return [read_pair(pair) for pair in find_pairs([present(folder / "brat")])]


def read_mspt(folder: Path, names: str) -> list[Record]:
    """Read the documents of MSPT that a list names.

    Args:
        folder: Holds the lists, and the documents either in `data/`, as in the repository, or in
            the archive `mspt.tar.gz` of that folder.
        names: The file with the names of the documents.

    Raises:
        ValueError: If the archive is damaged, or lacks a document.
    """
    listed = read_text(present(folder / names)).split()
    if (folder / "data").exists():
        return _listed(folder, listed)
    with unpacked(present(folder / "mspt.tar.gz")) as files:
        return _listed(files, listed)


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Provide a folder with the files of a tar archive, for as long as the context lasts.

    Raises:
        ValueError: If the archive is damaged.
    """
    with TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive) as files:
                files.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(
                f"{archive} cannot be unpacked ({error}): expected a tar archive, compressed with "
                "gzip"
            ) from error
        yield Path(folder)


def _listed(folder: Path, names: Sequence[str]) -> list[Record]:
    paths = [folder / "data" / f"{name}.txt" for name in names]
    return [read_pair(pair) for pair in find_pairs(paths)]


def read_re3d(folder: Path) -> list[Record]:
    """Read the documents of RE3D, from one folder for each publisher.

    The folder "BBC Online" is skipped: its licence excludes commercial use.

    Raises:
        ValueError: If the folder has no documents.
        ValueError: If a document or an entity has other fields than those of RE3D.
        ValueError: If an entity is of a document that is not there.
    """
    publishers = [
        path
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith("BBC")
    ]
    documents: dict[str, Record] = {}
    for publisher in publishers:
        for place, value in read_values(present(publisher / "documents.json")):
            match value:
                case {"_id": str(name), "text": str(text)}:
                    documents[name] = Record(f"{folder}, {name}", text, [], [])
                case _:
                    raise ValueError(f"{place}: expected an object with the strings _id and text")
    for publisher in publishers:
        for place, value in read_values(present(publisher / "entities.json")):
            name, span = _entity(value, place)
            if name not in documents:
                raise ValueError(f"{place}: no documents.json has the documentId {name!r}")
            documents[name].spans.append(span)
    if not documents:
        raise ValueError(f"{folder} has no folder with documents.json and entities.json in it")
    return list(documents.values())


def _entity(value: Any, place: str) -> tuple[str, RawSpan]:
    """Return an entity of RE3D, after the name of its document."""
    match value:
        case {"documentId": str(name), "begin": begin, "end": end, "type": label}:
            return name, raw_span(place, begin, end, label)
    raise ValueError(
        f"{place}: expected an object with documentId, a string, and begin, end and type"
    )


def read_wikigold(folder: Path) -> list[list[Sentence]]:
    """Read the sentences of each article of Wikigold. A line `-DOCSTART-` ends an article."""
    path = present(folder / "wikigold.conll.txt")
    ends = [number for number, line in numbered_lines(path) if line.startswith("-DOCSTART-")]
    articles = defaultdict[int, list[Sentence]](list)
    for sentence in read_columns(path, Layout()):
        articles[bisect(ends, sentence.levels[0].lines[0])].append(sentence)
    return list(articles.values())


def read_stockmark(folder: Path) -> list[list[Record]]:
    """Read the sentences of each page of Stockmark's corpus, in the order of their first ones.

    Raises:
        ValueError: If the file or one of its records cannot be read.
    """
    pages = defaultdict[str, list[Record]](list)
    for place, value in read_values(present(folder / "ner.json")):
        match value:
            case {"curid": str(page)}:
                pages[page].append(read_span_record(value, place, bare=True))
            case _:
                raise ValueError(f"{place}: expected an object with curid, a string")
    return list(pages.values())


def read_tasteset(folder: Path) -> list[Record]:
    """Read the recipes of TASTEset. Its discontinuous entities are ignored, and counted as such.

    Raises:
        ValueError: If the table or one of its entities cannot be read.
    """
    path = present(folder / "TASTEset.csv")
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path))))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file ({error})") from error
    return [_recipe(row, f"{path}, recipe {number}") for number, row in enumerate(rows, 1)]


def _recipe(row: Mapping[str, Any], place: str) -> Record:
    match row:
        case {"ingredients": str(text), "ingredients_entities": str(written)}:
            spans, discontinuous = _ingredients(written, place)
            ignored = ("discontinuous entities",) * discontinuous
            return Record(place, text, [], spans, ignored=ignored)
    raise ValueError(f"{place}: expected the columns ingredients and ingredients_entities")


def _ingredients(written: str, place: str) -> tuple[list[RawSpan], int]:
    """Return the entities of a recipe, and the number of those that are discontinuous."""
    entities = parse_json(written, f"{place}, ingredients_entities")
    if not isinstance(entities, list):
        raise ValueError(f"{place}: expected a JSON list as ingredients_entities")
    spans, discontinuous = list[RawSpan](), 0
    for entity in entities:
        match entity:
            case {"type": label, "span": str(written_span)}:
                parts = _literal(written_span)
            case _:
                raise ValueError(f"{place}: {entity!r:.80} is no entity: expected type and span")
        match parts:
            case [(start, end)]:
                spans.append(raw_span(place, start, end, label))
            case [_, _, *_]:
                discontinuous += 1
            case _:
                raise ValueError(
                    f"{place}: {written_span!r:.80} is not a span: expected a list of pairs, such "
                    "as [(0, 5)]"
                )
    return spans, discontinuous


def _literal(written: str) -> Any:
    """Return what a text means in Python's syntax; None if it means nothing."""
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
