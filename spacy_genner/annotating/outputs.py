"""The files that annotated documents are written to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import DocBin

from ..evaluation.annotations import span_records
from ..evaluation.spans import Found, read_own_spans
from .annotate import Row
from .parquet_files import write_parquet
from .pre_annotation import label_studio, presidio, prodigy


def plain(row: Row, found: Found) -> dict[str, Any]:
    """Return the fields of an input, and its `spans`."""
    return {**row.input.fields, "spans": span_records(found)}


RECORDS: dict[str, Callable[[Row, Found], dict[str, Any]]] = {
    "jsonl": plain,
    "parquet": plain,
    "label-studio": label_studio,
    "prodigy": prodigy,
    "presidio": presidio,
}
SUFFIXES = {
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "spacy": ".spacy",
    "label-studio": ".json",
    "prodigy": ".jsonl",
    "presidio": ".jsonl",
}
"""The suffixes of the files of each format."""
LINES = ("jsonl", "prodigy", "presidio")
"""The formats that have an object in each line."""


@dataclass(frozen=True)
class Output:
    """How documents are written.

    Attributes:
        format: One of `SUFFIXES`.
        spans_key: The key of the spans in `doc.spans`; `doc.ents` where a document lacks it.
        schema: The columns of the input as a schema of pyarrow, if it was Parquet.
    """

    format: str = "jsonl"
    spans_key: str = "sc"
    schema: Any = None

    @property
    def suffix(self) -> str:
        """The suffix of the files."""
        return SUFFIXES[self.format]

    def record(self, row: Row) -> dict[str, Any]:
        """Return a document as an object."""
        return RECORDS[self.format](row, read_own_spans(row.doc, self.spans_key))

    def write(self, path: Path, rows: Sequence[Row]) -> None:
        """Write documents to a file.

        Raises:
            OSError: If it cannot be written.
            ImportError: If it is a Parquet file, and pyarrow is not installed.
        """
        match self.format:
            case "spacy":
                write_spacy(path, rows)
            case "parquet":
                write_parquet(path, [self.record(row) for row in rows], self.schema)
            case "label-studio":  # imports an array, not lines
                lines = ",\n".join(json_line(self.record(row)) for row in rows)
                path.write_text(f"[\n{lines}\n]\n", encoding="utf8", newline="\n")
            case _:
                write_lines(path, map(self.record, rows))


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write objects to a file, one in each line.

    Raises:
        OSError: If it cannot be written.
    """
    with path.open("w", encoding="utf8", newline="\n") as file:
        file.writelines(f"{json_line(record)}\n" for record in records)


def json_line(record: dict[str, Any]) -> str:
    """Return an object as JSON in one line. What JSON has no type for, such as a date of a Parquet
    file, becomes a string; NaN and infinity, which it has no number for, become null."""
    try:
        return json.dumps(record, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(record), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    """Return a value with null in the place of each number in it that is not finite."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


def write_spacy(path: Path, rows: Sequence[Row]) -> None:
    """Write documents to a .spacy file, with the other fields of their inputs, as JSON, in
    `doc.user_data["fields"]`.

    Raises:
        OSError: If it cannot be written.
        ValueError: If a component has left something in `doc.user_data` that has no place in such a
            file.
    """
    for row in rows:
        if row.input.others:
            row.doc.user_data["fields"] = json_line(row.input.others)
    try:
        docs = DocBin(docs=[row.doc for row in rows], store_user_data=True).to_bytes()
    except TypeError as error:
        raise ValueError(
            f"what a component has left in doc.user_data cannot be saved ({error}): choose another "
            "--format"
        ) from error
    path.write_bytes(docs)
