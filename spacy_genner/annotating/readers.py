"""Readers of text, JSON lines and .spacy files: each yields records, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..corpora.json_values import parse_json
from ..files.text_files import as_found, opened_as_found, paragraphs, printable, undecoded
from .input_files import InputFile


class Broken(NamedTuple):
    """What cannot be read as a record.

    Attributes:
        reason: Why.
        raw: What it is; bytes that are not UTF-8 are written as escapes.
    """

    reason: str
    raw: str


Item: TypeAlias = tuple[str, dict[str, Any] | Broken]
"""The place of a record, and its fields."""


def read_text(file: InputFile, name: str, text_field: str, id_field: str) -> Iterator[Item]:
    """Yield the paragraphs of a text.

    Args:
        file: The file.
        name: The name of a file in a folder: the whole file is then one record, and this is its
            identifier. Empty for a file alone.
        text_field: The field for the text.
        id_field: The field for the identifier.
    """
    with opened_as_found(file.path, file.size) as lines:
        if name:
            yield str(file.path), text_item({id_field: name}, text_field, lines.read())
            return
        for number, text in paragraphs(lines):
            yield f"{file.path}:{number}", text_item({}, text_field, text)


def read_lines(file: InputFile, name: str, text_field: str, id_field: str) -> Iterator[Item]:
    """Yield the lines of a text that are not blank; see `read_text`. With a name, the identifier of
    a line is that name and the number of the line."""
    with opened_as_found(file.path, file.size) as lines:
        for number, line in enumerate(lines, 1):
            if text := line.strip():
                own = {id_field: f"{name}:{number}"} if name else {}
                yield f"{file.path}:{number}", text_item(own, text_field, text)


def read_json_lines(file: InputFile) -> Iterator[Item]:
    """Yield the objects of a file that has one in each line."""
    with opened_as_found(file.path, file.size) as lines:
        yield from _objects(lines, str(file.path))


def read_stream(stream: BinaryIO, text_field: str) -> Iterator[Item]:
    """Yield the lines of a stream as they come: they are JSON if the first one that is not blank
    begins with "{", and else texts."""
    lines = as_found(stream)
    before = list[str]()
    for line in lines:
        before.append(line)
        if line.strip():
            break
    every = chain(before, lines)
    if before and before[-1].lstrip().startswith("{"):
        yield from _objects(every, "-")
        return
    for number, line in enumerate(every, 1):
        if text := line.strip():
            yield f"-:{number}", text_item({}, text_field, text)


def read_spacy(path: Path, text_field: str) -> Iterator[Item]:
    """Yield the texts of the documents in a .spacy file, all of which spaCy reads at once.

    Raises:
        ValueError: If it is not a .spacy file.
    """
    try:
        docs = DocBin().from_disk(path)
    except Exception as error:  # zlib, msgpack and NumPy raise another type for each damage
        raise ValueError(
            f"{path}: cannot be read as .spacy data ({error}): write it with spaCy's DocBin"
        ) from error
    for number, doc in enumerate(docs.get_docs(Vocab())):
        yield f"{path}[{number}]", {text_field: doc.text}


def text_item(own: dict[str, Any], text_field: str, text: str) -> dict[str, Any] | Broken:
    """Return the record of a text, with fields of its own."""
    if reason := undecoded(text):
        return Broken(reason, printable(text))
    return {**own, text_field: text}


def _objects(lines: Iterable[str], name: str) -> Iterator[Item]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            place = f"{name}:{number}"
            yield place, _object(line, place)


def _object(line: str, place: str) -> dict[str, Any] | Broken:
    """Return the JSON object of a line."""
    reason = undecoded(line)
    if not reason:
        try:
            value = parse_json(line, place)
        except ValueError as error:
            reason = str(error)
        else:
            if isinstance(value, dict):
                return value
            reason = f"{place} is of type {type(value).__name__}: expected an object with a text"
    return Broken(reason, printable(line.strip()))
