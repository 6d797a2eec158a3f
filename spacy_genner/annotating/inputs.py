"""What is to be annotated, as a stream of records in constant memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..files.text_files import printable, undecoded
from .input_files import JSON_LINES, PARQUET, SPACY, TABLE, InputFile, files_of
from .parquet_files import read_parquet
from .readers import Broken, Item, read_json_lines, read_lines, read_spacy, read_stream, read_text
from .tables import read_table


class Input(NamedTuple):
    """A record of the input.

    Attributes:
        position: Its number among all records, from 0.
        place: The file, and the line or the index in it.
        fields: The record as it was found.
        text_field: The name of the field with the text.
        id: Its identifier, if it has one.
        fault: Why it has no text that could be read; empty if it has one.
    """

    position: int
    place: str
    fields: dict[str, Any]
    text_field: str
    id: Any = None
    fault: str = ""

    @classmethod
    def of(
        cls,
        position: int,
        place: str,
        found: dict[str, Any] | Broken,
        text_field: str = "text",
        id_field: str = "id",
    ) -> Input:
        """Return what was found at a place as a record.

        Args:
            position: See the class.
            place: See the class.
            found: The fields of the record, or why there are none.
            text_field: See the class.
            id_field: The name of the field that identifies a record.
        """
        if isinstance(found, Broken):
            fields, fault = {"line": found.raw}, found.reason
        else:
            fields, fault = found, _fault(found, text_field)
        return cls(position, printable(place), fields, text_field, fields.get(id_field), fault)

    @property
    def text(self) -> str:
        """The text."""
        return str(self.fields[self.text_field])

    @property
    def others(self) -> dict[str, Any]:
        """The other fields."""
        return {name: value for name, value in self.fields.items() if name != self.text_field}


@dataclass(frozen=True)
class Inputs:
    """The records of a file, a folder, or the standard input.

    The text in a file of another kind than those in `input_files` is that of a .txt file.

    Attributes:
        path: The file or folder, or "-" for the standard input.
        lines: Whether each line of a text is a record, and not each paragraph. In a folder, it is
            not each .txt file, but each line of it.
        text_field: The name of the field or column with the text.
        id_field: The name of the one that identifies a record.
        files: The files as they were when the run began.
    """

    path: Path
    lines: bool = False
    text_field: str = "text"
    id_field: str = "id"
    files: tuple[InputFile, ...] = ()

    @classmethod
    def of(cls, path: Path, **settings: Any) -> Inputs:
        """Return the records of a path as it is now.

        Args:
            path: See the class.
            settings: Other attributes.

        Raises:
            OSError: If a file cannot be read.
            ValueError: If it is of no known kind.
        """
        files = () if str(path) == "-" else tuple(files_of(path))
        return replace(cls(path, **settings), files=files)

    @property
    def root(self) -> Path:
        """The folder that the files are in."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def is_parquet(self) -> bool:
        """Whether all files are Parquet."""
        return bool(self.files) and all(file.suffix in PARQUET for file in self.files)

    def __iter__(self) -> Iterator[Input]:
        for position, (place, found) in enumerate(self._items()):
            yield Input.of(position, place, found, self.text_field, self.id_field)

    def _items(self) -> Iterator[Item]:
        if not self.files:
            yield from read_stream(sys.stdin.buffer, self.text_field)
        for file in self.files:
            yield from self._items_of(file)

    def _items_of(self, file: InputFile) -> Iterator[Item]:
        if file.suffix in JSON_LINES:
            return read_json_lines(file)
        if file.suffix in TABLE:
            return read_table(file, self.text_field)
        if file.suffix in PARQUET:
            return read_parquet(file.path, self.text_field)
        if file.suffix in SPACY:
            return read_spacy(file.path, self.text_field)
        inside = self.path.is_dir()
        name = printable(file.path.relative_to(self.root).as_posix()) if inside else ""
        if self.lines:
            return read_lines(file, name, self.text_field, self.id_field)
        return read_text(file, name, self.text_field, self.id_field)


def _fault(found: dict[str, Any], text_field: str) -> str:
    """Return why a record has no text; empty if it has one."""
    match found.get(text_field):
        case str(text):
            return undecoded(text)
        case None if text_field in found:
            return f"`{text_field}` is null: expected a string"
        case None:
            return f"there is no field `{text_field}`, only {', '.join(found) or 'an empty object'}"
        case other:
            kind = type(other).__name__
            return f"`{text_field}` is of type {kind}: expected a string"
