"""Corpora of documents, read from the files that their sources publish."""

from __future__ import annotations

import ast
import csv
import io
import tarfile
import zlib
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..files.text_files import numbered_lines, present, read_text
from .brat import find_pairs, read_pair
from .columns import Layout, Sentence, read_columns
from .json_lines import Item
from .json_values import parse_json, read_values
from .record import LeftOut, RawSpan, Record, raw_span
from .span_lists import read_span_record

_HEADERS = (
    "Question_ID",
    "Question_URL",
    "Answer_to_Question_ID",
    "Repository_Name",
    "Repository_Link",
    "Issue_Event_Link",
)
_NO_TEXT = dict.fromkeys(_HEADERS, "header of a post") | dict.fromkeys(
    ("CODE_BLOCK", "OP_BLOCK"), "placeholder of code or output"
)
"""What the lines of the Stack Overflow corpus are that begin with these words and are no text."""


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
    with extracted(folder, "data", "mspt.tar.gz") as files:
        paths = [files / "data" / f"{name}.txt" for name in listed]
        return [read_pair(pair) for pair in find_pairs(paths)]


def read_wlp(folder: Path, part: str) -> list[Sentence]:
    """Read the sentences of a part of WLP, in the order of the names of its protocols.

    Args:
        folder: Holds the parts either in `data/`, as in the repository, or in the archive
            `wlp.tar.gz` of that folder.
        part: The folder of the part, such as "train_data".

    Raises:
        ValueError: If the archive is damaged.
        ValueError: If the part has no protocols.
    """
    with extracted(folder, "data", "wlp.tar.gz") as files:
        protocols = matching(files / "data" / part / "Conll_Format", "*.txt")
        return [sentence for path in protocols for sentence in read_columns(path, Layout())]


@contextmanager
def extracted(folder: Path, name: str, archive: str) -> Iterator[Path]:
    """Provide a folder that has a file or folder of some name: the given one if it does, else one
    with the files of an archive in it, for as long as the context lasts.

    Raises:
        ValueError: If the archive is damaged.
        FileNotFoundError: If there is no archive either.
    """
    if (folder / name).exists():
        yield folder
    else:
        with unpacked(present(folder / archive)) as files:
            yield files


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


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder whose names match a pattern, in the order of their names.

    Raises:
        ValueError: If there are none.
    """
    if paths := sorted(folder.glob(pattern)):
        return paths
    raise ValueError(f"{folder} has no file {pattern}: check that all of the corpus is there")


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


def read_documents(folder: Path, name: str) -> list[list[Sentence]]:
    """Read the sentences of each document of a column file, in which lines that start with
    `-DOCSTART-` separate the documents."""
    path = present(folder / name)
    marks = [number for number, line in numbered_lines(path) if line.startswith("-DOCSTART-")]
    documents = defaultdict[int, list[Sentence]](list)
    for sentence in read_columns(path, Layout()):
        documents[bisect(marks, sentence.levels[0].lines[0])].append(sentence)
    return list(documents.values())


def read_stackoverflow(folder: Path, name: str) -> list[Item]:
    """Read the sentences of a file of the Stack Overflow corpus.

    The headers of posts, such as `Question_ID : 37985879`, and the lines that take the place of
    code and output are left out.
    """
    sentences = read_columns(present(folder / name), Layout(tags=(1,)))
    return [
        LeftOut(sentence.place, reason) if (reason := _NO_TEXT.get(sentence.words[0])) else sentence
        for sentence in sentences
    ]


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
