"""Parquet files, read and written by pyarrow (the extra `parquet`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .readers import Item
from .tables import check_columns

_ROWS = 1000
"""How many rows are made into Python objects at once."""


def read_parquet(path: Path, text_field: str) -> Iterator[Item]:
    """Yield the rows of a Parquet file. A row group of it is in memory at a time.

    Raises:
        ValueError: If it is not a Parquet file, if there is no column with the text, or if Python
            cannot hold a value.
        ImportError: If pyarrow is not installed.
    """
    _, parquet = import_pyarrow()
    number = 0
    with _opened(parquet, path) as file:
        check_columns(file.schema_arrow.names, text_field, str(path))
        with _reading(path):
            for batch in file.iter_batches(_ROWS):
                for row in batch.to_pylist():
                    yield f"{path}[{number}]", row
                    number += 1


def schema_of(paths: Sequence[Path]) -> Any:
    """Return the columns that Parquet files have together, as a schema of pyarrow.

    Raises:
        ValueError: If a file is not a Parquet file, or if two have a column with the same name and
            types that cannot be reconciled.
        ImportError: If pyarrow is not installed.
    """
    arrow, parquet = import_pyarrow()
    schemas = []
    for path in paths:
        with _opened(parquet, path) as file:
            schemas.append(file.schema_arrow.remove_metadata())
    try:
        return arrow.unify_schemas(schemas)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise ValueError(f"{paths[0].parent}: the files do not fit together: {error}") from error


def write_parquet(path: Path, records: Sequence[dict[str, Any]], schema: Any) -> None:
    """Write records to a Parquet file.

    Args:
        path: The file.
        records: Each with `spans`, and the fields of its input.
        schema: The columns of the input, if it was Parquet. None: all fields become strings, and
            whatever is not a string is written as JSON, so that all parts have the same types.

    Raises:
        OSError: If the file cannot be written.
        ImportError: If pyarrow is not installed.
    """
    arrow, parquet = import_pyarrow()
    if schema is None:
        names = dict.fromkeys(name for record in records for name in record)
        columns = [(name, arrow.string()) for name in names if name != "spans"]
        records = [_as_strings(record) for record in records]
    else:
        columns = [(field.name, field.type) for field in schema if field.name != "spans"]
    whole = arrow.schema([*columns, ("spans", spans_type())])
    parquet.write_table(arrow.Table.from_pylist(list(records), whole), path)


def spans_type() -> Any:
    """Return the type of the column `spans`.

    Raises:
        ImportError: If pyarrow is not installed.
    """
    arrow, _ = import_pyarrow()
    offset, string = arrow.int64(), arrow.string()
    fields = {"start": offset, "end": offset, "label": string, "text": string}
    return arrow.list_(arrow.struct({**fields, "score": arrow.float64()}))


def _as_strings(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose fields, except for the spans, are strings or null."""
    return {
        name: value
        if value is None or isinstance(value, str) or name == "spans"
        else json.dumps(value, ensure_ascii=False, default=str)
        for name, value in record.items()
    }


def _opened(parquet: Any, path: Path) -> Any:
    with _reading(path):
        return parquet.ParquetFile(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    # Of damage in a page, pyarrow makes an OSError; of a time that Python cannot hold, an
    # OverflowError or, without pandas, a ValueError.
    except (ValueError, OSError, OverflowError) as error:
        raise ValueError(f"{path} cannot be read as Parquet: {error}") from error


def import_pyarrow() -> tuple[Any, Any]:
    """Return the modules `pyarrow` and `pyarrow.parquet`.

    Raises:
        ImportError: If pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files are read and written by pyarrow, which is not installed: "
            'pip install "spacy-genner[parquet]"'
        ) from error
    return pyarrow, parquet
