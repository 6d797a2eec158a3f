"""The rows of Parquet files in pieces, in whichever file system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..annotating.parquet_files import import_pyarrow
from ..annotating.tables import check_columns


class Piece(NamedTuple):
    """Rows of a Parquet file that are annotated as one part.

    Attributes:
        path: The file, in its file system.
        size: Its size in bytes.
        group: The number of the row group.
        start: The first row in that.
        rows: The number of rows.
        part: The name of the file that they are written to.
    """

    path: str
    size: int
    group: int
    start: int
    rows: int
    part: str


def pieces_of(source: str, text_field: str, part_rows: int) -> Iterator[Piece]:
    """Yield the parts of all files, in the order of their names.

    Raises:
        ValueError: If a file is not Parquet, or has no column with the text.
        OSError: If a file cannot be read.
    """
    _, parquet = import_pyarrow()
    files, root = file_system(source)
    for name, (path, size) in _listed(files, root).items():
        with files.open_input_file(path) as file:
            opened = parquet.ParquetFile(file)
            check_columns(opened.schema_arrow.names, text_field, path)
            counts = [opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)]
        for group, count in enumerate(counts):
            for start in range(0, count, part_rows):
                part = f"part-{name}-{group:04d}-{start:08d}.parquet"
                yield Piece(path, size, group, start, min(part_rows, count - start), part)


def _listed(files: Any, root: str) -> dict[str, tuple[str, int]]:
    """Return the paths and the sizes of Parquet files, each by a name that can be part of one."""
    from pyarrow.fs import FileSelector, FileType

    info = files.get_file_info(root)
    if info.type == FileType.File:
        return {info.base_name.removesuffix(".parquet"): (info.path, info.size)}
    found = dict[str, tuple[str, int]]()
    listed = files.get_file_info(FileSelector(root, recursive=True))
    for info in sorted(listed, key=lambda info: str(info.path)):
        inner = str(info.path)[len(root) :].strip("/")
        hidden = any(part.startswith((".", "_")) for part in inner.split("/"))
        if info.type == FileType.File and inner.endswith(".parquet") and not hidden:
            name = quote(inner.removesuffix(".parquet"), safe=" =")
            found[name] = info.path, info.size
    return found


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, or of this machine, and the path in it."""
    from pyarrow.fs import FileSystem

    files, path = FileSystem.from_uri(url if "://" in url else str(Path(url).resolve()))
    return files, str(path).rstrip("/")
